// SPDX-License-Identifier: MIT
// What the kernel does between any two steps of the plugin is neither lost nor counted twice.

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { Netflow } from "../../src/netflow/netflow.js";
import { holdsInTime } from "./support/holds.js";
import { connection, Flag } from "./support/records.js";
import { SteppedContext } from "./support/stepped-context.js";
import { UdpKernel, type Datagram } from "./support/udp-kernel.js";

const datagram: fc.Arbitrary<Datagram> = fc.record({
  pid: fc.integer({ min: 1, max: 4 }),
  read: fc.nat(1500),
  written: fc.nat(1500),
  interrupted: fc.constantFrom("never", "never", "after turn", "after lookup"),
});

interface Scenario {
  /** What the plugin is asked to do, one after another. */
  readonly calls: readonly ("second" | "flush")[];
  /** Datagrams that pass at each step of it; none when the list is over. */
  readonly steps: readonly (readonly Datagram[])[];
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  calls: fc.array(fc.constantFrom("second", "flush"), { maxLength: 6 }),
  steps: fc.array(fc.array(datagram, { maxLength: 2 }), { maxLength: 60, size: "max" }),
});

async function play({ calls, steps }: Scenario): Promise<void> {
  const pending = [...steps];
  const kernel = new UdpKernel(() => pending.shift() ?? []);
  const context = new SteppedContext({ maps: kernel.maps });
  const netflow = new Netflow(context.asContext());
  for (const call of calls) {
    kernel.step();
    if (call === "flush") {
      // May come right after the maps took turns.
      await netflow.flush(1n);
    } else {
      // A whole second has passed since they last did.
      await kernel.settled();
      await context.everySecond();
    }
  }
  pending.length = 0;
  await kernel.settled();
  await netflow.flush(2n);

  const told = new Map<number, { read: number; written: number }>();
  for (const { tags, fields } of context.points) {
    const pid = Number(tags["pid"]);
    const before = told.get(pid) ?? { read: 0, written: 0 };
    told.set(pid, {
      read: before.read + Number(fields["bytes_read"]),
      written: before.written + Number(fields["bytes_written"]),
    });
  }
  assert.deepEqual(told, kernel.truth);
  const { observed, aggregated } = context.counts;
  assert.equal(observed, context.points.length + aggregated);
}

test("datagrams counted at any step of the plugin are told once, however the maps take turns", async (t) => {
  await holdsInTime(
    t,
    // Many at once: most of their time they wait for the grace period.
    fc.asyncProperty(fc.array(scenario, { minLength: 1, maxLength: 25 }), async (scenarios) => {
      await Promise.all(scenarios.map(play));
    }),
    { numRuns: 12 },
  );
});

test("without a strategy for UDP its maps are not touched", async (t) => {
  const context = new SteppedContext({});
  const netflow = new Netflow(context.asContext());
  await netflow.flush(1n);
  await context.everySecond();
  t.deepEqual(context.points, []);
});

test("flows that arrive while points are emitted go to the next interval", async (t) => {
  const closed = Flag.ESTABLISHED | Flag.CLOSED;
  const late = [
    connection({ id: 3, pid: 1, read: 30, flags: closed }),
    connection({ id: 4, pid: 4, read: 40, flags: closed }),
  ];
  const context = new SteppedContext({ emitted: () => late.splice(0).forEach((record) => context.closed(record)) });
  const netflow = new Netflow(context.asContext());
  context.closed(connection({ id: 1, pid: 1, read: 1, flags: closed }));
  context.closed(connection({ id: 2, pid: 2, read: 2, flags: closed }));
  const told = () =>
    context.points.splice(0).map(({ time, tags, fields }) => `${time}: ${tags["pid"]} ${fields["bytes_read"]}`);
  await netflow.flush(1n);
  t.deepEqual(told(), ["1: 1 1", "1: 2 2"]);
  await netflow.flush(2n);
  t.deepEqual(told(), ["2: 1 30", "2: 4 40"]);
});

for (const order of ["before", "after"] as const) {
  test(`a connection whose last record comes ${order} its reading in the same pass is told once`, async (t) => {
    const reading = connection({ id: 1, read: 10 });
    const last = connection({ id: 1, read: 12, flags: Flag.ESTABLISHED | Flag.CLOSED });
    const context: SteppedContext = new SteppedContext({
      async *harvest() {
        if (order === "before") context.closed(last);
        yield reading;
        if (order === "after") context.closed(last);
      },
    });
    const netflow = new Netflow(context.asContext());
    await netflow.flush(1n);
    t.deepEqual(
      context.points.map(({ fields }) => [fields["bytes_read"], fields["tcp_established"], fields["tcp_closed"]]),
      [[12, 1, 1]],
    );
    t.is(context.counts.observed, context.points.length + context.counts.aggregated);
  });
}

test("the event loop has its turns while many points are emitted", async (t) => {
  let emitted = 0;
  const context = new SteppedContext({
    emitted: () => {
      emitted++;
      const until = performance.now() + 1;
      while (performance.now() < until);
    },
  });
  const netflow = new Netflow(context.asContext());
  for (let pid = 1; pid <= 40; pid++)
    context.closed(connection({ id: pid, pid, flags: Flag.ESTABLISHED | Flag.CLOSED }));
  let turns = 0;
  const turn = (): void => {
    if (emitted > 0) turns++;
    if (emitted < 40) setImmediate(turn);
  };
  setImmediate(turn);
  await netflow.flush(1n);
  t.is(emitted, 40);
  t.true(turns >= 4, `${turns} turns in 40 ms of work`);
});

test("an iterator is closed though reading it fails", async (t) => {
  const context = new SteppedContext({
    async *harvest() {
      yield connection();
      throw new Error("EIO");
    },
  });
  const netflow = new Netflow(context.asContext());
  await t.throwsAsync(netflow.flush(1n), { message: "EIO" });
  t.is(context.openIterators, 0);
});
