// SPDX-License-Identifier: MIT
// What a reading adds to its flow.

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { Transport } from "../../src/netflow/aggregate.js";
import { Direction } from "../../src/netflow/direction.js";
import { fresh, read, takeFlows } from "./support/flows.js";
import { holds } from "./support/holds.js";
import { Flag, type Reading } from "./support/records.js";

const { ESTABLISHED, OLDER, ORPHAN, CLOSED } = Flag;

test("a short connection is complete from its last record", (t) => {
  const aggregate = fresh();
  const folded = read(aggregate, {
    flags: ESTABLISHED | CLOSED,
    read: 5_000_000_001,
    written: 70,
    retransmits: 3,
    rttUs: 900,
    rttVarUs: 40,
  });
  t.is(folded, "opened");
  t.deepEqual(takeFlows(aggregate), [
    {
      src: "10.0.0.1",
      dst: "93.184.216.34",
      srcPort: 0,
      dstPort: 443,
      pid: 1234,
      netns: 4_026_531_840,
      transport: Transport.TCP,
      direction: Direction.OUTGOING,
      process: "curl",
      nat: "",
      read: 5_000_000_001,
      written: 70,
      retransmits: 3,
      established: 1,
      closed: 1,
      rttSum: 900,
      rttVarSum: 40,
      rttCount: 1,
    },
  ]);
  t.is(aggregate.connections.size, 0);
});

test("a live connection gives what it moved since the last reading, and its remainder at close", (t) => {
  const aggregate = fresh();
  read(aggregate, { read: 100, written: 10, retransmits: 1 });
  t.like(takeFlows(aggregate), [{ read: 100, written: 10, retransmits: 1, established: 1, closed: 0 }]);
  read(aggregate, { read: 100, written: 15, retransmits: 1 });
  t.like(takeFlows(aggregate), [{ read: 0, written: 5, retransmits: 0, established: 0, closed: 0 }]);
  read(aggregate, { read: 2 ** 40, written: 15, retransmits: 4 });
  t.like(takeFlows(aggregate), [{ read: 2 ** 40 - 100, written: 0, retransmits: 3, established: 0, closed: 0 }]);
  read(aggregate, { read: 2 ** 40 + 1, written: 16, retransmits: 4, flags: ESTABLISHED | CLOSED });
  t.like(takeFlows(aggregate), [{ read: 1, written: 1, retransmits: 0, established: 0, closed: 1 }]);
  t.is(aggregate.connections.size, 0);
});

test("a connection without news in an interval has no flow in it", (t) => {
  const aggregate = fresh();
  t.is(read(aggregate, { read: 1 }), "opened");
  aggregate.take();
  t.is(read(aggregate, { read: 1, rttUs: 5 }), "nothing");
  t.deepEqual(takeFlows(aggregate), []);
  t.is(aggregate.connections.size, 1);
});

test("one of bytes read, bytes written and retransmits is news enough", (t) => {
  for (const news of [{ read: 1 }, { written: 1 }, { retransmits: 1 }]) {
    const aggregate = fresh();
    read(aggregate, {});
    aggregate.take();
    t.is(read(aggregate, news), "opened", JSON.stringify(news));
  }
});

test("an established connection is told at once, bytes or not, and once", (t) => {
  const aggregate = fresh();
  t.is(read(aggregate, {}), "opened");
  t.like(takeFlows(aggregate), [{ established: 1, closed: 0, read: 0, written: 0 }]);
  t.is(read(aggregate, {}), "nothing");
});

test("a connection nobody holds counts as closed when it is orphaned and not again when the kernel is done with it", (t) => {
  const aggregate = fresh();
  read(aggregate, { written: 5 });
  aggregate.take();
  t.is(read(aggregate, { written: 5, flags: ESTABLISHED | ORPHAN }), "opened");
  t.like(takeFlows(aggregate), [{ established: 0, closed: 1, written: 0 }]);
  t.is(read(aggregate, { written: 5, flags: ESTABLISHED | ORPHAN }), "nothing");
  t.is(read(aggregate, { written: 6, flags: ESTABLISHED | ORPHAN }), "opened");
  t.like(takeFlows(aggregate), [{ established: 0, closed: 0, written: 1 }]);
  t.is(read(aggregate, { written: 6, flags: ESTABLISHED | ORPHAN | CLOSED }), "nothing");
  t.is(aggregate.connections.size, 0);
});

test("a connection first met as an orphan counts once as established and once as closed", (t) => {
  const aggregate = fresh();
  read(aggregate, { flags: ESTABLISHED | ORPHAN });
  read(aggregate, { flags: ESTABLISHED | ORPHAN | CLOSED });
  t.like(takeFlows(aggregate), [{ established: 1, closed: 1 }]);
});

test("a connection older than the agent is never counted as established, but its close is", (t) => {
  const aggregate = fresh();
  t.is(read(aggregate, { flags: OLDER }), "nothing");
  read(aggregate, { flags: OLDER, read: 7 });
  read(aggregate, { flags: OLDER | CLOSED, read: 9 });
  t.like(takeFlows(aggregate), [{ read: 9, established: 0, closed: 1 }]);
});

test("a refused connect that was tried again counts as neither established nor closed", (t) => {
  const aggregate = fresh();
  t.is(read(aggregate, { flags: CLOSED, retransmits: 2 }), "opened");
  t.like(takeFlows(aggregate), [{ retransmits: 2, established: 0, closed: 0 }]);
  t.is(read(aggregate, { flags: CLOSED | ORPHAN }), "nothing");
});

test("counters that step back give nothing, and only what is beyond the highest counts afterwards", (t) => {
  const aggregate = fresh();
  read(aggregate, { read: 10, written: 20, retransmits: 3 });
  aggregate.take();
  t.is(read(aggregate, { read: 9, written: 19, retransmits: 2 }), "nothing");
  read(aggregate, { read: 11, written: 21, retransmits: 4 });
  t.like(takeFlows(aggregate), [{ read: 1, written: 1, retransmits: 1 }]);
  t.is(read(aggregate, { read: 5, written: 5, retransmits: 1, flags: ESTABLISHED | CLOSED }), "opened");
  t.like(takeFlows(aggregate), [{ read: 0, written: 0, retransmits: 0, closed: 1 }]);
});

test("for any readings of a connection the flows of all intervals add up to its last reading", (t) => {
  const growth = fc.record({
    read: fc.maxSafeNat().map((number) => number % 2 ** 45),
    written: fc.oneof(fc.constant(0), fc.nat()),
    retransmits: fc.nat(100),
    orphan: fc.boolean(),
    endsInterval: fc.boolean(),
  });
  const life = fc.tuple(
    fc.array(growth, { minLength: 1, maxLength: 12 }),
    fc.constantFrom(0, ESTABLISHED, OLDER),
    fc.boolean(),
  );
  holds(
    t,
    fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => {
      const aggregate = fresh();
      const told = lives.map(() => ({ read: 0, written: 0, retransmits: 0, established: 0, closed: 0 }));
      // Each connection has a process of its own, so each has flows of its own.
      const add = (): void => {
        for (const flow of takeFlows(aggregate)) {
          for (const key of ["read", "written", "retransmits", "established", "closed"] as const) {
            assert(flow[key] >= 0);
            told[flow.pid]![key] += flow[key];
          }
        }
      };
      const last = lives.map(() => ({ read: 0, written: 0, retransmits: 0 }));
      const longest = Math.max(...lives.map(([growths]) => growths.length));
      const orphaned = lives.map(() => false);
      for (let step = 0; step < longest; step++) {
        lives.forEach(([growths, opened, closes], pid) => {
          const grown = growths[step];
          if (!grown) return;
          for (const key of ["read", "written", "retransmits"] as const) last[pid]![key] += grown[key];
          const closed = closes && step === growths.length - 1;
          orphaned[pid] ||= grown.orphan;
          const flags = opened | (orphaned[pid] ? ORPHAN : 0) | (closed ? CLOSED : 0);
          read(aggregate, { id: pid + 1, pid, flags, ...last[pid] });
          if (grown.endsInterval) add();
        });
      }
      add();
      lives.forEach(([, opened, closes], pid) => {
        const over = opened !== 0 && (closes || orphaned[pid]);
        assert.deepEqual(told[pid], {
          ...last[pid],
          established: opened === ESTABLISHED ? 1 : 0,
          closed: over ? 1 : 0,
        });
      });
      assert.equal(aggregate.connections.size, lives.filter(([, , closes]) => !closes).length);
    }),
    { numRuns: 300 },
  );
});

test("a connection whose last record was lost keeps what was told of it, and its memory is given back", (t) => {
  const aggregate = fresh();
  const { connections } = aggregate;
  const harvest = (...live: Partial<Reading>[]): number => {
    connections.beginPass();
    for (const reading of live) read(aggregate, reading);
    return connections.forgetUnseen();
  };
  t.is(harvest({ id: 1, read: 10 }, { id: 2, read: 1 }), 0);
  // Connection 1 closes now, unheard.
  t.is(harvest({ id: 2, read: 2 }), 0);
  t.is(harvest({ id: 2, read: 3 }), 1);
  t.like(takeFlows(aggregate), [{ read: 13, established: 2, closed: 0 }]);
  // The slot of connection 1 serves another, which begins at zero.
  harvest({ id: 3, read: 4 }, { id: 2, read: 3 });
  t.like(takeFlows(aggregate), [{ read: 4, established: 1 }]);
});

test("a connection that one reading skipped gives only what is new at the next", (t) => {
  const aggregate = fresh();
  const { connections } = aggregate;
  connections.beginPass();
  read(aggregate, { read: 10 });
  connections.forgetUnseen();
  connections.beginPass();
  connections.forgetUnseen();
  connections.beginPass();
  read(aggregate, { read: 12 });
  connections.forgetUnseen();
  t.like(takeFlows(aggregate), [{ read: 12, established: 1 }]);
});

test("a reading that comes after the last record of its connection counts nothing", (t) => {
  const aggregate = fresh();
  aggregate.connections.beginPass();
  read(aggregate, { read: 12, flags: ESTABLISHED | CLOSED });
  t.is(read(aggregate, { read: 10 }), "nothing");
  t.is(aggregate.connections.size, 0);
  t.like(takeFlows(aggregate), [{ read: 12, established: 1, closed: 1 }]);
});

test("a last record tells what a lost reading would have told", (t) => {
  const aggregate = fresh();
  read(aggregate, { read: 10, written: 1 });
  read(aggregate, { read: 40, written: 2, flags: ESTABLISHED | ORPHAN | CLOSED });
  t.like(takeFlows(aggregate), [{ read: 40, written: 2, established: 1, closed: 1 }]);
});

test("a flow of the next interval begins at zero", (t) => {
  const aggregate = fresh();
  read(aggregate, { id: 1, read: 100, retransmits: 1, rttUs: 10, rttVarUs: 1, flags: ESTABLISHED | CLOSED });
  aggregate.take();
  t.is(read(aggregate, { id: 2, read: 1, rttUs: 30, rttVarUs: 3 }), "opened");
  t.like(takeFlows(aggregate), [
    { read: 1, written: 0, retransmits: 0, established: 1, closed: 0, rttSum: 30, rttVarSum: 3, rttCount: 1 },
  ]);
  t.deepEqual(takeFlows(aggregate), []);
});

test("a connection without a round trip time does not weigh in the mean", (t) => {
  const aggregate = fresh();
  read(aggregate, { id: 1, rttUs: 100, rttVarUs: 10 });
  read(aggregate, { id: 2, rttUs: 0, rttVarUs: 250_000 });
  read(aggregate, { id: 3, rttUs: 201, rttVarUs: 21 });
  t.like(takeFlows(aggregate), [{ rttSum: 301, rttVarSum: 31, rttCount: 2 }]);
});
