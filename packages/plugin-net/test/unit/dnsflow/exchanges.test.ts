// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { directionOf, Exchanges } from "../../../src/dnsflow/exchanges.js";
import { nameText, peek } from "../../../src/dnsflow/message.js";
import { formatAddress } from "../../../src/netflow/addresses.js";
import { cursorOn } from "../support/encode.js";
import { holds } from "../support/holds.js";
import { answerBytes, eventBytes, type Heard, queryBytes, Rcode } from "./support.js";

const ms = 1e6;

/** Exchanges that write down what becomes of them. */
function setUp(most = 100) {
  const log: string[] = [];
  const exchanges = new Exchanges(
    {
      answered: ({ direction, pid, question, ends }, { rcode }, latencyNs) =>
        log.push(
          `${direction === 2 ? "out" : "in"} ${nameText(question?.wireName ?? "")} ${formatAddress(ends, 4)} pid ${pid}: ${rcode} in ${latencyNs / ms} ms`,
        ),
      givenUp: ({ direction, pid }) => log.push(`${direction === 2 ? "out" : "in"} pid ${pid}: none`),
      repeated: () => log.push("repeated"),
      stray: (reason) => log.push(reason),
    },
    most,
  );
  const hear = (atMs: number, bytes: Buffer, heard: Partial<Heard> = {}) => {
    const timeNs = 1e9 + atMs * ms;
    const record = cursorOn(eventBytes({ bytes, timeNs, ...heard }));
    const message = peek(bytes)!;
    exchanges.hear(message, record, timeNs, directionOf(message, record));
  };
  return {
    exchanges,
    ask: (atMs: number, heard: Partial<Heard> = {}, bytes = queryBytes()) =>
      hear(atMs, bytes, { sent: true, ...heard }),
    answer: (atMs: number, heard: Partial<Heard> = {}, bytes = answerBytes()) =>
      hear(atMs, bytes, { sent: false, ...heard }),
    expire: (atMs: number) => exchanges.expire(1e9 + atMs * ms),
    /** What became of messages since the last look. */
    log: () => log.splice(0),
  };
}

const serverEnd = { socket: 2, src: "10.0.0.53", srcPort: 53, dst: "10.0.0.1", dstPort: 40_000, pid: 0, comm: "" };

test("an exchange is seen at both ends, each with its own time and process", (t) => {
  const { ask, answer, log } = setUp();
  ask(0);
  answer(1, serverEnd, queryBytes()); // what the client sent, the server receives
  ask(4, { ...serverEnd, pid: 53, comm: "named" }, answerBytes({}, { rcode: Rcode.NXDOMAIN }));
  answer(5, {}, answerBytes({}, { rcode: Rcode.NXDOMAIN }));
  t.deepEqual(log(), [
    "in www.example.org 10.0.0.1 pid 53: 3 in 3 ms",
    "out www.example.org 10.0.0.53 pid 1234: 3 in 5 ms",
  ]);
});

test("the same id on different sockets, to different peers or with other questions is another exchange", (t) => {
  const { ask, answer, log } = setUp();
  const other = { name: "other.example.org" };
  ask(0, { socket: 1 });
  ask(1, { socket: 2 });
  ask(2, { socket: 1, dst: "10.0.0.54" });
  ask(3, { socket: 1 }, queryBytes(other));
  ask(4, { socket: 1 }, queryBytes({ type: "AAAA" }));
  answer(10, { socket: 1 }, answerBytes({ type: "AAAA" }));
  answer(10, { socket: 1 }, answerBytes(other));
  answer(10, { socket: 1, dst: "10.0.0.54" });
  answer(10, { socket: 2 });
  answer(10, { socket: 1 });
  t.deepEqual(
    log().map((line) => line.replace(/ pid.*: 0/, "")),
    [
      "out www.example.org 10.0.0.53 in 6 ms",
      "out other.example.org 10.0.0.53 in 7 ms",
      "out www.example.org 10.0.0.54 in 8 ms",
      "out www.example.org 10.0.0.53 in 9 ms",
      "out www.example.org 10.0.0.53 in 10 ms",
    ],
  );
});

test("a query that is repeated until it is answered is one exchange, as long as all of it", (t) => {
  const { ask, answer, log } = setUp();
  ask(0);
  ask(1_000);
  ask(5_000);
  answer(5_010);
  t.deepEqual(log(), ["repeated", "repeated", "out www.example.org 10.0.0.53 pid 1234: 0 in 5010 ms"]);
  answer(5_011);
  t.deepEqual(log(), ["no_query"], "the answer to the repetition belongs to nothing any more");
});

test("a query without answer is given up after 6 s, and what comes later is late", (t) => {
  const { ask, answer, expire, log } = setUp();
  ask(0);
  expire(6_000);
  t.deepEqual(log(), []);
  expire(6_001);
  t.deepEqual(log(), ["out pid 1234: none"]);
  answer(6_500);
  answer(6_600, {}, answerBytes({ name: "never.asked" }));
  t.deepEqual(log(), ["late_answer", "no_query"]);
});

test("an answer after more than 6 s is late, although nobody looked meanwhile", (t) => {
  const { ask, answer, expire, log } = setUp();
  ask(0);
  answer(6_001);
  t.deepEqual(log(), ["out pid 1234: none", "late_answer"]);
  expire(60_000);
  t.deepEqual(log(), []);
});

test("who asks the same for more than 6 s begins anew", (t) => {
  const { ask, answer, log } = setUp();
  ask(0);
  ask(6_001);
  answer(6_002);
  t.deepEqual(log(), ["out pid 1234: none", "out www.example.org 10.0.0.53 pid 1234: 0 in 1 ms"]);
});

test("an error that repeats no question ends the exchange with its id", (t) => {
  const { ask, answer, log } = setUp();
  ask(0);
  answer(1, {}, Buffer.from([0, 1, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]));
  t.deepEqual(log(), ["out www.example.org 10.0.0.53 pid 1234: 1 in 1 ms"]);
});

test("a client's answer from elsewhere is that of a translated address: it has the one that was asked", (t) => {
  const { ask, answer, log } = setUp();
  ask(0, { dst: "10.244.0.7" });
  answer(1, { dst: "10.96.0.10" });
  t.deepEqual(log(), ["out www.example.org 10.96.0.10 pid 1234: 0 in 1 ms"]);
});

test("a server's answer to one client is none to another that asked the same under the same id", (t) => {
  const { ask, answer, log } = setUp();
  answer(0, { ...serverEnd, dst: "10.0.0.1" }, queryBytes());
  ask(1, { ...serverEnd, dst: "10.0.0.2", pid: 53 }, answerBytes());
  t.deepEqual(log(), ["no_query"]);
});

test("queries beyond the limit are not followed, but those given up make room", (t) => {
  const { exchanges, ask, answer, log } = setUp(2);
  ask(0, { socket: 1 });
  ask(1, { socket: 2 });
  ask(2, { socket: 3 });
  t.is(exchanges.waiting, 2);
  answer(3, { socket: 3 });
  t.deepEqual(log(), ["too_many_queries", "no_query"]);
  ask(7_000, { socket: 4 });
  t.deepEqual(log(), ["out pid 1234: none", "out pid 1234: none"]);
  t.is(exchanges.waiting, 1);
});

test("one socket may not make looking for its answers slow", (t) => {
  const { exchanges, ask, log } = setUp(100_000);
  for (let port = 0; port < 50; port++) ask(0, { dst: `10.0.1.${port}` });
  t.is(exchanges.waiting, 32);
  t.deepEqual(log(), new Array(18).fill("too_many_queries"));
});

test("whatever is asked, repeated, answered and left, each query is answered or given up once", (t) => {
  const step = fc.record({
    kind: fc.constantFrom("ask", "answer"),
    socket: fc.nat(2),
    id: fc.nat(2),
    name: fc.constantFrom("a.test", "b.test"),
    wait: fc.nat(2_500),
  });
  holds(
    t,
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { exchanges, ask, answer, expire, log } = setUp();
      const open = new Map<string, number>();
      let now = 0;
      const expected: string[] = [];
      for (const { kind, socket, id, name, wait } of steps) {
        now += wait;
        const key = `${socket} ${id} ${name}`;
        const asked = open.get(key);
        const over = asked !== undefined && now - asked > 6_000;
        if (kind === "ask") {
          ask(now, { socket, pid: 9 }, queryBytes({ id, name }));
          if (over) expected.push("out pid 9: none");
          if (asked !== undefined && !over) expected.push("repeated");
          else open.set(key, now);
        } else {
          answer(now, { socket }, answerBytes({ id, name }));
          if (over) expected.push("out pid 9: none", "late_answer");
          else if (asked !== undefined) expected.push(`out ${name} 10.0.0.53 pid 9: 0 in ${now - asked} ms`);
          else expected.push("stray");
          open.delete(key);
        }
      }
      const strayOrLate = (line: string) => (line === "no_query" ? "stray" : line);
      // An answer after the exchange was given up is late as long as that is remembered, here: since it was asked anew.
      const seen = log().map(strayOrLate);
      assert.equal(seen.length, expected.length);
      seen.forEach((line, at) => {
        if (line === "late_answer" && expected[at] === "stray") return;
        assert.equal(line, expected[at]);
      });
      assert.equal(exchanges.waiting, open.size);
      expire(now + 6_001);
      assert.equal(log().length, open.size);
      assert.equal(exchanges.waiting, 0);
    }),
  );
});
