// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { DomainNames, type LearnedName, type PluginStatus } from "@skep/core";
import { type Run, startAgent } from "../support/agent.js";
import { holdsInTime } from "../support/holds.js";
import { answerBytes, eventBytes, type Heard, hostileBytes, queryBytes, Rcode, TCP } from "./support.js";

/** What the kernel tells, at a time after the agent's start; the fake clock's monotonic time is not 0 then. */
function kernelOf({ kernel, clock }: Run) {
  const startNs = Number(clock.monotonicNs());
  return (atMs: number, bytes: Uint8Array, heard: Partial<Heard> = {}) =>
    kernel.ring("dns_events").push(eventBytes({ bytes, timeNs: startNs + atMs * 1e6, ...heard }));
}

const received = { sent: false } as const;
const ofDns = (run: Run) => run.takePoints().filter(({ measurement }) => measurement === "dnsflow");
const summaryOf = (run: Run) =>
  ofDns(run).map(
    ({ tags, fields }) => `${tags["transport"]} ${tags["direction"]} ${fields["rcode"]} x${fields["count"]}`,
  );

function assertAccounted({ counters }: PluginStatus, pending = 0): void {
  const dropped = Object.values(counters.dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(counters.observed, counters.emitted + counters.aggregated + dropped + pending, JSON.stringify(counters));
}

const framed = (message: Buffer): Buffer =>
  Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);

test("exchanges over UDP and TCP become points at the flush, and every record is accounted for", async (t) => {
  const run = await startAgent(t);
  const tell = kernelOf(run);
  for (let id = 0; id < 3; id++) {
    tell(id * 10, queryBytes({ id }));
    tell(id * 10 + 2, answerBytes({ id }), received);
  }
  tell(40, queryBytes({ id: 9 }));
  tell(41, answerBytes({ id: 9 }, { rcode: Rcode.NXDOMAIN }), received);
  const tcp = { transport: TCP, socket: 2 };
  const [query, answer] = [framed(queryBytes()), framed(answerBytes())];
  tell(50, query.subarray(0, 2), { ...tcp, seq: 100 });
  tell(51, query.subarray(2), { ...tcp, seq: 102 });
  tell(60, answer, { ...tcp, ...received, seq: 7 });
  await run.clock.advance(100);
  await run.flush();
  t.deepEqual(summaryOf(run), ["udp outgoing 0 x3", "udp outgoing 3 x1", "tcp outgoing 0 x1"]);
  assertAccounted(run.status());
  t.deepEqual(run.status().counters.dropped, {});
  await run.flush();
  t.deepEqual(ofDns(run), []);
});

test("a query that waits is told when it is answered or given up, whichever interval that is in", async (t) => {
  const run = await startAgent(t);
  const tell = kernelOf(run);
  tell(0, queryBytes({ id: 1 }));
  tell(0, queryBytes({ id: 2 }));
  tell(3, queryBytes({ id: 2 }));
  await run.clock.advance(1_000);
  await run.flush();
  t.deepEqual(ofDns(run), []);
  assertAccounted(run.status(), 2);
  tell(5_000, answerBytes({ id: 1 }), received);
  await run.clock.advance(6_000);
  await run.flush();
  t.deepEqual(summaryOf(run), ["udp outgoing 0 x1", "udp outgoing -1 x1"]);
  tell(7_000, answerBytes({ id: 2 }), received);
  await run.clock.advance(1_000);
  await run.flush();
  t.deepEqual(run.status().counters.dropped, { late_answer: 1 });
  assertAccounted(run.status());
});

test("what waits when the agent stops is counted", async (t) => {
  const run = await startAgent(t);
  kernelOf(run)(0, queryBytes());
  await run.clock.advance(100);
  await run.stop();
  t.deepEqual(run.status().counters.dropped, { unfinished: 1 });
  assertAccounted(run.status());
});

test("what is not DNS, or not from or to the port of DNS, is dropped with a reason", async (t) => {
  const run = await startAgent(t);
  const tell = kernelOf(run);
  tell(0, Buffer.from("not a message at all"));
  tell(1, queryBytes(), { srcPort: 53, dstPort: 4_000 });
  tell(2, answerBytes(), received);
  await run.clock.advance(100);
  await run.flush();
  t.deepEqual(run.status().counters.dropped, { not_dns: 2, no_query: 1 });
  assertAccounted(run.status());
});

test("answers this host receives teach the names of addresses; errors, and answers that were not asked for, do not", async (t) => {
  const learnt: LearnedName[] = [];
  const names: DomainNames = {
    nameOf: (ip) => (ip === "10.0.0.53" ? "ns.test" : undefined),
    learn: (name) => learnt.push(name),
  };
  const run = await startAgent(t, { services: [[DomainNames, names]] });
  const tell = kernelOf(run);
  const answers = (data: string) => ({ answers: [{ type: "A", name: "www.example.org", data, ttl: 60 }] as const });
  tell(0, queryBytes({ id: 1, name: "WWW.example.org" }));
  tell(1, answerBytes({ id: 1 }, { answers: [...answers("192.0.2.1").answers] }), received);
  tell(2, answerBytes({ id: 1 }, { answers: [...answers("192.0.2.66").answers] }), received);
  const server = { socket: 2, srcPort: 53, dstPort: 40_000 };
  tell(3, queryBytes({ id: 3 }), { ...server, ...received });
  tell(4, answerBytes({ id: 3 }, { answers: [...answers("192.0.2.3").answers] }), server);
  tell(5, queryBytes({ id: 4 }));
  tell(6, answerBytes({ id: 4 }, { rcode: Rcode.SERVFAIL, answers: [...answers("192.0.2.4").answers] }), received);
  await run.clock.advance(100);
  await run.flush();
  t.deepEqual(learnt, [{ ip: "192.0.2.1", name: "www.example.org", ttlSeconds: 60 }]);
  t.is(ofDns(run)[0]?.tags["dst_domain"], "ns.test");
});

test("a name that was resolved a moment ago is the domain of a connection to its address", async (t) => {
  const run = await startAgent(t);
  const tell = kernelOf(run);
  tell(0, queryBytes({ name: "ns.example.org" }));
  tell(
    1,
    answerBytes(
      { name: "ns.example.org" },
      { answers: [{ type: "A", name: "ns.example.org", data: "10.0.0.53", ttl: 5 }] },
    ),
    received,
  );
  tell(2, queryBytes({ id: 2 }));
  tell(3, answerBytes({ id: 2 }), received);
  await run.clock.advance(100);
  await run.flush();
  t.is(ofDns(run)[0]?.tags["dst_domain"], "ns.example.org");
});

test("names and types of questions are tags when they are asked for", async (t) => {
  const run = await startAgent(t, { config: { dnsflow_question_tags: true } });
  const tell = kernelOf(run);
  tell(0, queryBytes({ type: "AAAA" }));
  tell(1, answerBytes({ type: "AAAA" }), received);
  await run.clock.advance(100);
  await run.flush();
  t.like(ofDns(run)[0]?.tags, { question_name: "www.example.org", question_type: "AAAA" });
});

test("whatever bytes the kernel hands over, nothing throws and every record is accounted for", async (t) => {
  const event = fc.record({
    bytes: hostileBytes,
    sent: fc.boolean(),
    transport: fc.constantFrom(17, TCP),
    seq: fc.nat(2_000),
    socket: fc.nat(3),
    srcPort: fc.constantFrom(53, 40_000),
    dstPort: fc.constantFrom(53, 40_000),
  });
  await holdsInTime(
    t,
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const run = await startAgent({ teardown: () => {} });
      const tell = kernelOf(run);
      events.forEach((heard, at) => tell(at, heard.bytes, heard));
      await run.clock.advance(100);
      await run.flush();
      await run.stop();
      assertAccounted(run.status());
      assert.equal(run.status().counters.dropped["undecodable"], undefined);
    }),
    { numRuns: 60 },
  );
});
