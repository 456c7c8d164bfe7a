// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { DomainNames, KubernetesMetadata, NatTable, type Point } from "@skep/core";
import { type Run, startAgent } from "./support/agent.js";
import { holdsInTime } from "./support/holds.js";
import { connectionBytes, datagramBytes, Flag, listenerBytes, Seen, type Reading } from "./support/records.js";

const { ESTABLISHED, OLDER, CLOSED } = Flag;

/** Lets the kernel report a closed connection and the agent read it. */
async function close({ kernel, clock }: Run, reading: Partial<Reading>): Promise<void> {
  kernel.ring("closed").push(connectionBytes({ flags: ESTABLISHED | CLOSED, ...reading }));
  await clock.advance(100);
}

const harvest = (run: Run, ...live: Partial<Reading>[]) =>
  run.kernel.iterator("harvest_cast").returns(live.map((reading) => connectionBytes(reading)));

function putDatagrams({ kernel }: Run, map: 0 | 1, counted: Parameters<typeof datagramBytes>[0]): void {
  const { key, value } = datagramBytes(counted);
  kernel.map(`udp_flows_${map}`).update(key, value);
}

const bytesOf = (points: readonly Point[]) =>
  points.map(({ tags, fields }) => `${tags["transport"]} ${fields["bytes_read"]}/${fields["bytes_written"]}`);

/** Whose turn the kernel is told it is. */
const turnOf = ({ kernel }: Run): number => kernel.map("udp_turn").lookup(new Uint8Array(4))![0]!;

test("closed connections, live ones and datagrams each become a point of the interval", async (t) => {
  const run = await startAgent(t);
  await close(run, { id: 1, read: 1, pid: 1 });
  harvest(run, { id: 2, read: 2, pid: 2 });
  putDatagrams(run, 0, { written: 3, pid: 3 });
  const asked = run.clock.unixNs();
  await run.flush();
  const points = run.takePoints();
  t.deepEqual(bytesOf(points).sort(), ["tcp 1/0", "tcp 2/0", "udp 0/3"]);
  t.true(points.every(({ time }) => time === asked));
  await run.flush();
  t.deepEqual(run.takePoints(), [], "nothing new, no points");
});

test("a connection that was read while it lived and then closed is counted once", async (t) => {
  const run = await startAgent(t);
  harvest(run, { read: 10, written: 1 });
  await run.flush();
  harvest(run);
  await close(run, { read: 15, written: 1 });
  await run.flush();
  t.deepEqual(bytesOf(run.takePoints()), ["tcp 10/1", "tcp 5/0"]);
});

test("UDP maps take turns each second and at each flush", async (t) => {
  const run = await startAgent(t);
  t.is(turnOf(run), 0);
  await run.clock.advance(1000);
  t.is(turnOf(run), 1);
  await run.clock.advance(1000);
  t.is(turnOf(run), 0);
  await run.flush();
  t.is(turnOf(run), 1);
});

test("the kernel's map is left alone while it counts there, and emptied when the turn has passed", async (t) => {
  const run = await startAgent(t);
  putDatagrams(run, 0, { read: 1, pid: 1 });
  await run.clock.advance(1000);
  t.is(run.kernel.map("udp_flows_0").entries().length, 1);
  putDatagrams(run, 1, { read: 2, pid: 2 });
  await run.clock.advance(1000);
  t.is(run.kernel.map("udp_flows_0").entries().length, 0);
  t.is(run.kernel.map("udp_flows_1").entries().length, 1);
  await run.flush();
  t.deepEqual(bytesOf(run.takePoints()), ["udp 1/0", "udp 2/0"]);
});

test("live connections are read by the program that was chosen", async (t) => {
  for (const [strategy, program] of [
    ["cast", "harvest_cast"],
    ["probe_read", "harvest_probe"],
  ] as const) {
    const run = await startAgent(t, { strategies: { tcp_harvest: strategy } });
    run.kernel.iterator(program).returns([connectionBytes({ read: 7 })]);
    await run.flush();
    t.deepEqual(bytesOf(run.takePoints()), ["tcp 7/0"], strategy);
  }
});

test("a connection two readings did not find is forgotten and starts anew when its id comes again", async (t) => {
  const run = await startAgent(t);
  harvest(run, { read: 10 });
  await run.flush();
  harvest(run);
  await run.flush();
  harvest(run, { read: 11 });
  await run.flush();
  t.deepEqual(bytesOf(run.takePoints()), ["tcp 10/0", "tcp 1/0"]);
  harvest(run);
  await run.flush();
  await run.flush();
  harvest(run, { read: 12 });
  await run.flush();
  t.deepEqual(bytesOf(run.takePoints()), ["tcp 12/0"]);
});

for (const [strategy, program] of [
  ["sock_from_file", "seed_tcp"],
  ["private_data", "seed_tcp_file"],
] as const) {
  test(`listeners found at start by ${program} tell the direction of older connections`, async (t) => {
    const seeded: string[] = [];
    const run = await startAgent(t, {
      strategies: { tcp_seed: strategy },
      prepare: (kernel) => {
        kernel.iterator(program).returns(() => {
          seeded.push(program);
          return [listenerBytes(9, 8080), listenerBytes(10, 9090)];
        });
      },
    });
    const older = { flags: OLDER | CLOSED, direction: Seen.UNKNOWN, read: 1 };
    await close(run, { ...older, id: 1, netns: 9, srcPort: 8080 });
    await close(run, { ...older, id: 2, netns: 9, srcPort: 9090 });
    await run.flush();
    t.deepEqual(run.takePoints().map(({ tags }) => `${tags["direction"]} ${tags["src_port"]}`), ["incoming 8080", "outgoing *"]); // prettier-ignore
    t.deepEqual(seeded, [program], "looked up once, at start");
  });
}

test("sockets from before the start are seeded where UDP packets are counted outside their process", async (t) => {
  const counting = await startAgent(t, { strategies: { udp: "cgroup_skb" } });
  t.is(counting.kernel.iterator("seed_udp").reads, 1);
  const stock = await startAgent(t, { strategies: { udp: "fentry" } });
  t.is(stock.kernel.iterator("seed_udp").reads, 0);
});

/** As the kernel counts connections whose owner is assumed: a value per CPU. */
function assumeOwners({ kernel }: Run, ...perCpu: bigint[]): void {
  kernel.map("assumed").update(new Uint8Array(4), new Uint8Array(BigUint64Array.from(perCpu).buffer));
}

test("who holds connections is asked only when there are new ones with an assumed owner, on any CPU", async (t) => {
  const run = await startAgent(t, { strategies: { tcp_accept: "holders" } });
  const names = run.kernel.iterator("name_holders");
  await run.flush();
  t.is(names.reads, 0);
  assumeOwners(run, 1n, 0n);
  await run.flush();
  t.is(names.reads, 1);
  await run.flush();
  t.is(names.reads, 1);
  assumeOwners(run, 1n, 2n);
  await run.flush();
  await run.flush();
  t.is(names.reads, 2);
});

test("holders are named before live connections are read", async (t) => {
  const run = await startAgent(t, { strategies: { tcp_accept: "holders" } });
  const asked: string[] = [];
  for (const program of ["name_holders", "harvest_cast"]) {
    run.kernel.iterator(program).returns(() => {
      asked.push(program);
      return [];
    });
  }
  assumeOwners(run, 1n, 0n);
  await run.flush();
  t.deepEqual(asked, ["name_holders", "harvest_cast"]);
});

test("where accept is hooked nobody is asked who holds a connection", async (t) => {
  const run = await startAgent(t, { strategies: { tcp_accept: "fexit" } });
  assumeOwners(run, 5n, 5n);
  await run.flush();
  t.is(run.kernel.iterator("name_holders").reads, 0);
});

test("a negative ephemeral_port, the reference's way to say default, folds every client port", async (t) => {
  const run = await startAgent(t, { config: { ephemeral_port: -1 } });
  await close(run, { srcPort: 1 });
  await run.flush();
  t.is(run.takePoints()[0]!.tags["src_port"], "*");
});

test("services of other plugins fill in NAT, domain and Kubernetes, from the first interval on", async (t) => {
  const run = await startAgent(t, {
    services: [
      [NatTable, { translate: () => ({ ip: "10.1.1.1", port: 8443 }) }],
      [DomainNames, { nameOf: () => "example.com", learn: () => {} }],
      [KubernetesMetadata, { tagsOf: () => ({ sub_source: "K8s" }), serves: () => false }],
    ],
  });
  await close(run, { id: 1, pid: 1 });
  putDatagrams(run, 0, { read: 1, pid: 2 });
  await run.clock.advance(2000);
  harvest(run, { id: 3, pid: 3 });
  await run.flush();
  const points = run.takePoints();
  t.is(points.length, 3);
  for (const { tags } of points) {
    t.like(tags, { dst_nat_ip: "10.1.1.1", dst_nat_port: "8443", dst_domain: "example.com", sub_source: "K8s" });
  }
});

test("a closed connection that brings nothing new is dropped, and said to be", async (t) => {
  const run = await startAgent(t);
  await close(run, { flags: CLOSED });
  await run.flush();
  t.like(run.status().counters, { observed: 1, emitted: 0, aggregated: 0, dropped: { nothing_new: 1 }, pending: 0 });
});

type Event =
  | { readonly kind: "grow" | "close"; readonly connection: number; readonly read: number; readonly written: number }
  | { readonly kind: "datagrams"; readonly pid: number; readonly read: number; readonly written: number }
  | { readonly kind: "second" }
  | { readonly kind: "flush" };

const bytes = { read: fc.nat(1000), written: fc.nat(1000) };
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("grow" as const), connection: fc.nat(5), ...bytes }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("close" as const), connection: fc.nat(5), ...bytes }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("datagrams" as const), pid: fc.nat(3), ...bytes }) },
  { weight: 2, arbitrary: fc.constant({ kind: "second" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "flush" as const }) },
);

/** A host on which connections open, move bytes and close; it knows what they moved. */
class Host {
  readonly truth = { read: 0, written: 0, established: 0, closed: 0 };
  readonly #live = new Map<number, Reading>();
  #lastId = 0;

  constructor(private readonly run: Run) {
    run.kernel.iterator("harvest_cast").returns(() => [...this.#live.values()].map(connectionBytes));
  }

  async happens(event: Event): Promise<void> {
    if (event.kind === "second") return this.run.clock.advance(1000);
    if (event.kind === "flush") return this.run.flush();
    this.truth.read += event.read;
    this.truth.written += event.written;
    if (event.kind === "datagrams") return this.#count(event);
    const reading = this.#grow(event);
    if (event.kind === "grow") return;
    this.#live.delete(event.connection);
    this.truth.closed++;
    this.run.kernel.ring("closed").push(connectionBytes({ ...reading, flags: ESTABLISHED | CLOSED }));
  }

  #grow({ connection, read, written }: { connection: number; read: number; written: number }): Partial<Reading> {
    const before = this.#live.get(connection);
    if (!before) this.truth.established++;
    const id = before?.id ?? ++this.#lastId;
    // Ports and processes shared and not: some connections join the flow of another.
    const reading = {
      id,
      pid: connection >> 1,
      srcPort: 40_000 + id,
      read: Number(before?.read ?? 0) + read,
      written: Number(before?.written ?? 0) + written,
    };
    this.#live.set(connection, reading as Reading);
    return reading;
  }

  /** Adds to the entry of the map whose turn it is, as the BPF program does. */
  #count({ pid, read, written }: { pid: number; read: number; written: number }): void {
    const map = this.run.kernel.map(`udp_flows_${turnOf(this.run)}`);
    const { key, value } = datagramBytes({ pid, read, written });
    if (!map.lookup(key)) return map.update(key, value);
    map.adjust(key, (there) => {
      const view = new DataView(there.buffer);
      view.setBigUint64(0, view.getBigUint64(0, true) + BigInt(read), true);
      view.setBigUint64(8, view.getBigUint64(8, true) + BigInt(written), true);
    });
  }
}

test("points add up to what connections and datagrams moved, and every observation is accounted for", async (t) => {
  await holdsInTime(
    t,
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      const run = await startAgent({ teardown: () => {} });
      const host = new Host(run);
      for (const event of events) await host.happens(event);
      await run.stop();
      const points = run.takePoints();
      const sum = (field: string): number =>
        points.reduce((total, { fields }) => total + Number(fields[field] ?? 0), 0);
      assert.deepEqual(
        {
          read: sum("bytes_read"),
          written: sum("bytes_written"),
          established: sum("tcp_established"),
          closed: sum("tcp_closed"),
        },
        host.truth,
      );
      const { observed, emitted, aggregated, dropped, pending } = run.status().counters;
      assert.equal(pending, 0);
      assert.equal(emitted, points.length);
      assert.equal(observed, emitted + aggregated + (dropped["nothing_new"] ?? 0));
      assert.equal(run.status().failures, 0);
    }),
    { numRuns: 60 },
  );
});
