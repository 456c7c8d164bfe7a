// SPDX-License-Identifier: MIT

import test from "ava";
import { Aggregate, NO_ANSWER } from "../../../src/dnsflow/aggregate.js";
import { peek } from "../../../src/dnsflow/message.js";
import { pointOf } from "../../../src/dnsflow/points.js";
import { QuestionNames } from "../../../src/dnsflow/question-names.js";
import type { Query } from "../../../src/dnsflow/waiting-queries.js";
import { Direction } from "../../../src/netflow/direction.js";
import { addressWords } from "../support/records.js";
import { queryBytes, TCP, UDP } from "./support.js";

interface Given extends Omit<Partial<Query>, "question"> {
  readonly src?: string;
  readonly dst?: string;
  readonly name?: string;
  readonly type?: "A" | "AAAA";
}

function query({ src = "10.0.0.1", dst = "10.0.0.53", name = "a.test", type = "A", ...more }: Given = {}): Query {
  return {
    direction: Direction.OUTGOING,
    transport: UDP,
    ends: Uint32Array.of(...addressWords(src), ...addressWords(dst)),
    srcPort: 40_000,
    dstPort: 53,
    pid: 7,
    processName: "curl",
    askedNs: 0,
    question: peek(queryBytes({ name, type }))!.question,
    ...more,
  };
}

const fresh = ({ maxKeys = 100, maxQuestions }: { maxKeys?: number; maxQuestions?: number } = {}) =>
  new Aggregate({ maxKeys, maxQuestions, nameOfProcess: (pid) => `process-${pid}` });

function takePoints(aggregate: Aggregate) {
  const interval = aggregate.take();
  return Array.from({ length: interval.table.size }, (_, index) => pointOf(interval, index + 1, 42n, {}));
}

test("exchanges of one process with one server that ended alike are one point: count, mean and longest latency", (t) => {
  const aggregate = fresh();
  t.is(aggregate.add(query(), 0, 1_000), "opened");
  t.is(aggregate.add(query({ srcPort: 41_000, name: "b.test" }), 0, 4_001), "joined");
  t.deepEqual(takePoints(aggregate), [
    {
      measurement: "dnsflow",
      category: "network",
      time: 42n,
      tags: {
        family: "IPv4",
        transport: "udp",
        direction: "outgoing",
        src_ip: "10.0.0.1",
        src_port: "*",
        src_ip_type: "private",
        dst_ip: "10.0.0.53",
        dst_port: "53",
        dst_ip_type: "private",
        dst_domain: "",
        pid: "7",
        process_name: "curl",
      },
      fields: { rcode: 0, count: 2, latency: 2_501, latency_max: 4_001 },
    },
  ]);
  t.deepEqual(takePoints(aggregate), [], "the next interval begins empty");
});

test("one exchange is its own longest", (t) => {
  const aggregate = fresh();
  aggregate.add(query(), 0, 5);
  t.like(takePoints(aggregate)[0]?.fields, { latency: 5, latency_max: 5 });
});

test("without an answer the code is -1 and there is no latency", (t) => {
  const aggregate = fresh();
  aggregate.add(query(), NO_ANSWER, 0);
  t.deepEqual(takePoints(aggregate)[0]?.fields, { rcode: -1, count: 1, latency: 0, latency_max: 0 });
});

const differences: readonly (readonly [string, Given, number])[] = [
  ["the local address", { src: "10.0.0.2" }, 0],
  ["the peer's address", { dst: "10.0.0.54" }, 0],
  ["the transport", { transport: TCP }, 0],
  ["the direction", { direction: Direction.INCOMING }, 0],
  ["the process", { pid: 8 }, 0],
  ["the process's name", { processName: "dig" }, 0],
  ["the port that is served", { srcPort: 53, dstPort: 40_000 }, 0],
  ["the code", {}, 3],
];
for (const [what, other, rcode] of differences) {
  test(`exchanges that differ in ${what} are different points`, (t) => {
    const aggregate = fresh();
    aggregate.add(query(), 0, 1);
    t.is(aggregate.add(query(other), rcode, 1), "opened");
    t.deepEqual(
      takePoints(aggregate).map(({ fields }) => fields["count"]),
      [1, 1],
    );
  });
}

test("a server's exchange has the client as peer", (t) => {
  const aggregate = fresh();
  const ends = { src: "2001:db8::53", dst: "2001:db8::1", srcPort: 53, dstPort: 40_000 };
  aggregate.add(query({ direction: Direction.INCOMING, ...ends }), 0, 1);
  t.like(takePoints(aggregate)[0]?.tags, {
    family: "IPv6",
    direction: "incoming",
    src_ip: "2001:db8::53",
    src_port: "53",
    dst_ip: "2001:db8::1",
    dst_port: "*",
  });
});

test("a process whose name the kernel did not tell is asked for it", (t) => {
  const aggregate = fresh();
  aggregate.add(query({ processName: "" }), 0, 1);
  t.is(takePoints(aggregate)[0]?.tags["process_name"], "process-7");
});

test("questions are told apart only when they are tags, and then only so many", (t) => {
  const untold = fresh();
  untold.add(query({ name: "a.test" }), 0, 1);
  t.is(untold.add(query({ name: "b.test", type: "AAAA" }), 0, 1), "joined");
  const told = fresh({ maxQuestions: 2 });
  for (const name of ["a.test", "b.test", "c.test", "d.test", "A.test"]) told.add(query({ name }), 0, 1);
  told.add(query({ name: "a.test", type: "AAAA" }), 0, 1);
  told.add(query({ question: undefined } as Given), 0, 1);
  t.deepEqual(
    takePoints(told).map(({ tags, fields }) => [tags["question_name"], tags["question_type"], fields["count"]]),
    [
      ["a.test", "A", 2],
      ["b.test", "A", 1],
      ["*", "A", 2],
      ["a.test", "AAAA", 1],
      [undefined, undefined, 1],
    ],
  );
});

test("points beyond the limit are none, those that are there go on", (t) => {
  const aggregate = fresh({ maxKeys: 2 });
  for (const dst of ["10.0.0.1", "10.0.0.2"]) aggregate.add(query({ dst }), 0, 1);
  t.is(aggregate.add(query({ dst: "10.0.0.3" }), 0, 1), "no_room");
  t.is(aggregate.add(query({ dst: "10.0.0.1" }), 0, 1), "joined");
  t.is(takePoints(aggregate).length, 2);
});

test("a number nobody gave has no name", (t) => {
  t.throws(() => new QuestionNames(1).textOf(2), { instanceOf: RangeError });
});
