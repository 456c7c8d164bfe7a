// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import type { NatQuery, NatTarget } from "@skep/core";
import { Aggregate, Transport } from "../../src/netflow/aggregate.js";
import { Direction } from "../../src/netflow/direction.js";
import { takeFlows } from "./support/flows.js";
import { holds } from "./support/holds.js";
import { connection, datagrams, Flag, Seen, type Datagrams, type Reading } from "./support/records.js";

const { ESTABLISHED, OLDER, ORPHAN, CLOSED, OWNER_ASSUMED } = Flag;

/** An aggregate that knows no process by number but 77. */
const fresh = (ephemeralPort = 0): Aggregate => new Aggregate(ephemeralPort, (pid) => (pid === 77 ? "from-proc" : ""));
const read = (aggregate: Aggregate, reading: Partial<Reading>) => aggregate.connection(connection(reading));
const count = (aggregate: Aggregate, counted: Partial<Datagrams>) => {
  const { key, value } = datagrams(counted);
  return aggregate.datagrams(key, value);
};

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

test("a last record tells what a lost reading would have told", (t) => {
  const aggregate = fresh();
  read(aggregate, { read: 10, written: 1 });
  read(aggregate, { read: 40, written: 2, flags: ESTABLISHED | ORPHAN | CLOSED });
  t.like(takeFlows(aggregate), [{ read: 40, written: 2, established: 1, closed: 1 }]);
});

const ports = { srcPort: 33_000, dstPort: 10_001 };
const wildcards: readonly [ephemeral: number, direction: number, srcPort: number, dstPort: number][] = [
  [0, Seen.OUTGOING, 0, 10_001],
  [0, Seen.INCOMING, 33_000, 0],
  [10_001, Seen.OUTGOING, 0, 10_001],
  [10_001, Seen.INCOMING, 33_000, 0],
  [10_002, Seen.INCOMING, 33_000, 10_001],
  [33_000, Seen.OUTGOING, 0, 10_001],
  [33_001, Seen.OUTGOING, 33_000, 10_001],
];
for (const [ephemeral, direction, srcPort, dstPort] of wildcards) {
  const where = direction === Seen.OUTGOING ? "outgoing" : "incoming";
  test(`with ephemeral_port ${ephemeral} an ${where} flow 33000 -> 10001 keeps ${srcPort || "*"} -> ${dstPort || "*"}`, (t) => {
    const aggregate = fresh(ephemeral);
    read(aggregate, { ...ports, direction });
    count(aggregate, { ...ports, direction, read: 1 });
    t.like(takeFlows(aggregate), [
      { transport: Transport.TCP, srcPort, dstPort },
      { transport: Transport.UDP, srcPort, dstPort },
    ]);
  });
}

test("connections that differ only in client port join one flow", (t) => {
  const aggregate = fresh();
  t.is(read(aggregate, { id: 1, srcPort: 40_000, read: 1, flags: ESTABLISHED | CLOSED }), "opened");
  t.is(read(aggregate, { id: 2, srcPort: 40_001, read: 2, written: 9 }), "joined");
  const server = { direction: Seen.INCOMING, src: "10.0.0.1", srcPort: 80, dst: "10.0.0.9" };
  t.is(read(aggregate, { ...server, id: 3, dstPort: 50_000, read: 4 }), "opened");
  t.is(read(aggregate, { ...server, id: 4, dstPort: 50_001, read: 8 }), "joined");
  t.like(takeFlows(aggregate), [
    { dst: "93.184.216.34", read: 3, written: 9, established: 2, closed: 1 },
    { dst: "10.0.0.9", srcPort: 80, dstPort: 0, read: 12, established: 2, closed: 0 },
  ]);
});

test("anything else that differs makes another flow", (t) => {
  const aggregate = fresh();
  read(aggregate, {});
  const others: Partial<Reading>[] = [
    { src: "10.0.0.2" },
    { dst: "93.184.216.35" },
    { src: "fd00::1" },
    { dst: "2001:db8::1" },
    { dstPort: 80 },
    { pid: 1235 },
    { netns: 4_026_531_841 },
    { comm: "wget" },
    { direction: Seen.INCOMING },
  ];
  others.forEach((other, number) =>
    t.is(read(aggregate, { ...other, id: number + 2 }), "opened", JSON.stringify(other)),
  );
  t.is(count(aggregate, { read: 1 }), "opened");
  t.is(takeFlows(aggregate).length, others.length + 2);
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

test("the latest name the kernel gives a connection is the one it counts for", (t) => {
  const aggregate = fresh();
  const assumed = { direction: Seen.INCOMING, pid: 1, comm: "listener", flags: ESTABLISHED | OWNER_ASSUMED };
  read(aggregate, { ...assumed, read: 5 });
  read(aggregate, { direction: Seen.INCOMING, pid: 9, comm: "worker", read: 8 });
  t.like(takeFlows(aggregate), [
    { pid: 1, process: "listener", read: 5, established: 1 },
    { pid: 9, process: "worker", read: 3, established: 0 },
  ]);
});

test("a process the kernel does not name is looked up by its number", (t) => {
  const aggregate = fresh();
  read(aggregate, { id: 1, comm: "", pid: 77 });
  read(aggregate, { id: 2, comm: "", pid: 78 });
  count(aggregate, { comm: "", pid: 77, read: 1 });
  t.deepEqual(
    takeFlows(aggregate).map(({ process }) => process),
    ["from-proc", "", "from-proc"],
  );
});

test("the direction of an older connection is told by the listeners of its network namespace", (t) => {
  const aggregate = fresh();
  aggregate.listening.add(5, 8080);
  const older = { flags: OLDER, direction: Seen.UNKNOWN, read: 1, srcPort: 8080 };
  read(aggregate, { ...older, id: 1, netns: 5 });
  read(aggregate, { ...older, id: 2, netns: 6 });
  t.like(takeFlows(aggregate), [
    { netns: 5, direction: Direction.INCOMING, srcPort: 8080, dstPort: 0 },
    { netns: 6, direction: Direction.OUTGOING, srcPort: 0, dstPort: 443 },
  ]);
});

/** Translates by the answers given per local port and remembers the questions. */
function natTable(answers: Readonly<Record<number, NatTarget>>) {
  const asked: NatQuery[] = [];
  const translate = (query: NatQuery): NatTarget | undefined => {
    asked.push(query);
    return answers[query.localPort];
  };
  return { asked, translate };
}

test("destination NAT is asked for with the connection's own ports, though its client port is folded", (t) => {
  const aggregate = fresh();
  const nat = natTable({});
  aggregate.natTable = nat;
  const ends = { srcPort: 40_000, src: "10.0.0.1", dst: "10.96.0.10", dstPort: 53, netns: 9 };
  read(aggregate, ends);
  count(aggregate, { ...ends, src: "fd00::1", dst: "fd00::53", read: 1 });
  t.deepEqual(nat.asked, [
    { transport: "tcp", localIp: "10.0.0.1", localPort: 40_000, remoteIp: "10.96.0.10", remotePort: 53, netns: 9 },
    { transport: "udp", localIp: "fd00::1", localPort: 40_000, remoteIp: "fd00::53", remotePort: 53, netns: 9 },
  ]);
});

test("connections that NAT leads to different places are different flows", (t) => {
  const aggregate = fresh();
  aggregate.natTable = natTable({
    1001: { ip: "10.1.0.1", port: 8080 },
    1002: { ip: "10.1.0.2", port: 8080 },
    1003: { ip: "10.1.0.1", port: 8080 },
    1004: { ip: "10.1.0.1", port: 8081 },
  });
  for (const srcPort of [1001, 1002, 1003, 1004, 1005]) read(aggregate, { id: srcPort, srcPort, written: 1 });
  t.like(takeFlows(aggregate), [
    { nat: "10.1.0.1 8080", written: 2 },
    { nat: "10.1.0.2 8080", written: 1 },
    { nat: "10.1.0.1 8081", written: 1 },
    { nat: "", written: 1 },
  ]);
});

test("incoming flows are not asked about NAT", (t) => {
  const aggregate = fresh();
  const nat = natTable({ 80: { ip: "10.1.0.1", port: 8080 } });
  aggregate.natTable = nat;
  read(aggregate, { direction: Seen.INCOMING, srcPort: 80 });
  count(aggregate, { direction: Seen.INCOMING, srcPort: 80, read: 1 });
  t.deepEqual(nat.asked, []);
  t.deepEqual(
    takeFlows(aggregate).map(({ nat }) => nat),
    ["", ""],
  );
});

test("datagrams between a process and a peer add up in one flow without TCP's numbers", (t) => {
  const aggregate = fresh();
  t.is(count(aggregate, { srcPort: 5000, dstPort: 53, read: 2 ** 33, written: 1 }), "opened");
  t.is(count(aggregate, { srcPort: 5001, dstPort: 53, read: 7, written: 2 }), "joined");
  t.like(takeFlows(aggregate), [
    {
      transport: Transport.UDP,
      direction: Direction.OUTGOING,
      srcPort: 0,
      dstPort: 53,
      process: "curl",
      read: 2 ** 33 + 7,
      written: 3,
      retransmits: 0,
      established: 0,
      closed: 0,
      rttCount: 0,
    },
  ]);
});

test("datagrams of several sockets of a process join one flow, whatever kept them apart in the kernel", (t) => {
  const aggregate = fresh();
  t.is(count(aggregate, { owner: 900, pid: 5, read: 1 }), "opened");
  t.is(count(aggregate, { owner: 901, pid: 5, read: 2 }), "joined");
  t.is(count(aggregate, { owner: 901, pid: 6, read: 4 }), "opened");
  t.like(takeFlows(aggregate), [
    { pid: 5, read: 3 },
    { pid: 6, read: 4 },
  ]);
});

test("the direction of datagrams is the kernel's word, outgoing when it has none", (t) => {
  const aggregate = fresh();
  count(aggregate, { direction: Seen.INCOMING, srcPort: 53, dstPort: 6000, read: 1 });
  count(aggregate, { direction: Seen.UNKNOWN, srcPort: 6000, dstPort: 53, read: 1 });
  t.like(takeFlows(aggregate), [
    { direction: Direction.INCOMING, srcPort: 53, dstPort: 0 },
    { direction: Direction.OUTGOING, srcPort: 0, dstPort: 53 },
  ]);
});
