// SPDX-License-Identifier: MIT
// Which flow a reading belongs to.

import test from "ava";
import type { NatQuery, NatTarget } from "@skep/core";
import { Transport } from "../../src/netflow/aggregate.js";
import { Direction } from "../../src/netflow/direction.js";
import { count, fresh, read, takeFlows } from "./support/flows.js";
import { Flag, Seen, type Reading } from "./support/records.js";

const { ESTABLISHED, OLDER, CLOSED, OWNER_ASSUMED } = Flag;

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
  t.is(read(aggregate, { id: 5, srcPort: 40_002, flags: ESTABLISHED | CLOSED }), "joined");
  const server = { direction: Seen.INCOMING, src: "10.0.0.1", srcPort: 80, dst: "10.0.0.9" };
  t.is(read(aggregate, { ...server, id: 3, dstPort: 50_000, read: 4 }), "opened");
  t.is(read(aggregate, { ...server, id: 4, dstPort: 50_001, read: 8 }), "joined");
  t.like(takeFlows(aggregate), [
    { dst: "93.184.216.34", read: 3, written: 9, established: 3, closed: 2 },
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
