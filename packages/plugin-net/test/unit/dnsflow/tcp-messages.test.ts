// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { TcpMessages, type TcpLimits } from "../../../src/dnsflow/tcp-messages.js";
import { holds } from "../support/holds.js";
import { answerBytes, hostileBytes, hostName, queryBytes } from "./support.js";

interface Segment {
  readonly seq: number;
  readonly bytes: Buffer;
}

/** A stream that collects what it hears; time goes on by a millisecond a segment. */
function listener(limits?: Partial<TcpLimits>) {
  let lost = 0;
  let timeNs = 1e9;
  const heard: Buffer[] = [];
  const times: number[] = [];
  const tcp = new TcpMessages(() => lost++, limits);
  return {
    heard,
    times,
    tcp,
    push({ seq, bytes }: Segment, key = "stream", afterNs = 1e6) {
      timeNs += afterNs;
      tcp.push(key, seq, bytes, timeNs, (whole, wholeNs) => {
        heard.push(Buffer.from(whole));
        times.push(wholeNs);
      });
    },
    lost: () => lost,
    now: () => timeNs,
  };
}

const framed = (...messages: readonly Buffer[]): Buffer =>
  Buffer.concat(messages.flatMap((message) => [Buffer.from([message.length >> 8, message.length & 255]), message]));

/** Segments of at most the given lengths, over and over, beginning with sequence number `first`. */
function split(stream: Buffer, first: number, lengths: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const end = at + lengths[turn % lengths.length]!;
    segments.push({ seq: (first + at) >>> 0, bytes: stream.subarray(at, end) });
    at = end;
  }
  return segments;
}

const message = fc.oneof(
  fc.record({ id: fc.nat(65_535), name: hostName }).map(queryBytes),
  fc
    .record({ name: hostName, texts: fc.array(fc.string({ maxLength: 60 }), { maxLength: 20 }) })
    .map(({ name, texts }) => answerBytes({ name }, { answers: texts.map((data) => ({ type: "TXT", name, data })) })),
);
const messages = fc.array(message, { minLength: 1, maxLength: 6 });
const firstSeq = fc.oneof(fc.nat(2 ** 32 - 1), fc.integer({ min: 2 ** 32 - 300, max: 2 ** 32 - 1 }));

test("messages come out whole however TCP cuts the stream, also where sequence numbers wrap around", (t) => {
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 });
  holds(
    t,
    fc.property(messages, firstSeq, cuts, (sent, first, lengths) => {
      const stream = listener();
      for (const segment of split(framed(...sent), first, lengths)) stream.push(segment);
      assert.deepEqual(stream.heard, sent);
      assert.equal(stream.lost(), 0);
    }),
  );
});

test("segments that come twice, overlap or overtake each other change nothing", (t) => {
  const disorder = fc.array(fc.record({ swap: fc.nat(30), by: fc.nat(5), again: fc.boolean() }), { maxLength: 10 });
  holds(
    t,
    fc.property(messages, firstSeq, fc.integer({ min: 1, max: 90 }), disorder, (sent, first, length, changes) => {
      const whole = framed(...sent);
      const segments = split(whole, first, [length]);
      for (const { swap, by, again } of changes) {
        // The first one tells where the stream begins; it is only repeated, longer than it was.
        const from = 1 + (swap % segments.length);
        const to = Math.min(segments.length - 1, from + by);
        if (from < segments.length && !again) segments.splice(to, 0, ...segments.splice(from, 1));
        if (again) segments.splice(to, 0, { seq: first, bytes: whole.subarray(0, length * (1 + by)) });
      }
      if (segments[0]!.seq !== first) return;
      const stream = listener();
      for (const segment of segments) stream.push(segment);
      assert.deepEqual(stream.heard, sent);
      assert.equal(stream.lost(), 0);
    }),
  );
});

test("a message has the time of its own segment, although one before it was late", (t) => {
  const stream = listener();
  const [first, second] = [queryBytes({ id: 1 }), queryBytes({ id: 2 })];
  const [one, two] = [framed(first), framed(second)];
  stream.push({ seq: 0, bytes: one.subarray(0, 5) });
  stream.push({ seq: one.length, bytes: two });
  const secondCame = stream.now();
  stream.push({ seq: 5, bytes: one.subarray(5) });
  t.deepEqual(stream.heard, [first, second]);
  t.deepEqual(stream.times, [stream.now(), secondCame]);
});

test("a segment that never comes costs the messages it was part of, and no others", (t) => {
  const stream = listener();
  const sent = Array.from({ length: 100 }, (_, id) => queryBytes({ id }));
  const segments = split(framed(...sent), 7, [sent[0]!.length + 2]);
  segments.splice(10, 1);
  for (const segment of segments) stream.push(segment);
  t.deepEqual(stream.heard, [...sent.slice(0, 10), ...sent.slice(11)]);
  t.is(stream.lost(), 1);
});

test("what waits for a segment that never comes waits 3 s, however slow the connection", (t) => {
  const stream = listener();
  const sent = Array.from({ length: 7 }, (_, id) => queryBytes({ id }));
  const segments = split(framed(...sent), 7, [sent[0]!.length + 2]);
  segments.splice(1, 1);
  for (const segment of segments) stream.push(segment, "stream", 1e9);
  t.is(stream.heard.length, 6);
  t.is(stream.lost(), 1);
});

test("a connection older than the agent is understood from the next message on", (t) => {
  const stream = listener();
  const [cut, next] = [answerBytes({}, { answers: [{ type: "TXT", name: "a", data: "b".repeat(200) }] }), queryBytes()];
  const bytes = framed(cut);
  stream.push({ seq: 1000, bytes: bytes.subarray(40) });
  stream.push({ seq: 1000 + bytes.length - 40, bytes: framed(next) });
  t.deepEqual(stream.heard, [next]);
  t.is(stream.lost(), 1);
});

test("another protocol on port 53 is no DNS, segment for segment", (t) => {
  const stream = listener();
  const text = Buffer.from("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
  stream.push({ seq: 0, bytes: text });
  stream.push({ seq: text.length, bytes: text });
  t.deepEqual(stream.heard, []);
  t.is(stream.lost(), 2);
});

test("the two directions of a connection are two streams", (t) => {
  const stream = listener();
  const [query, answer] = [queryBytes(), answerBytes()];
  const [sent, received] = [framed(query), framed(answer)];
  stream.push({ seq: 0, bytes: sent.subarray(0, 9) }, "1 sent");
  stream.push({ seq: 0, bytes: received }, "1 received");
  stream.push({ seq: 9, bytes: sent.subarray(9) }, "1 sent");
  t.deepEqual(stream.heard, [answer, query]);
});

test("memory is bounded: the streams silent longest are given up", (t) => {
  const stream = listener({ bytes: 200_000, streams: 10 });
  const beginning = Buffer.concat([Buffer.from([0xff, 0xff]), queryBytes()]);
  for (let key = 0; key < 10; key++) stream.push({ seq: 0, bytes: beginning }, String(key));
  t.is(stream.lost(), 7, "three messages of 64 KiB fit");
  const query = queryBytes();
  for (let key = 10; key < 20; key++) stream.push({ seq: 0, bytes: framed(query) }, String(key));
  t.is(stream.heard.length, 10);
  t.is(stream.lost(), 10);
});

test("a stream that is silent for two minutes is forgotten, half a message with it", (t) => {
  const stream = listener();
  stream.push({ seq: 0, bytes: framed(queryBytes()) }, "whole");
  stream.push({ seq: 0, bytes: framed(queryBytes()).subarray(0, 20) }, "half");
  stream.tcp.expire(stream.now() + 120e9 - 1e6);
  t.is(stream.lost(), 0);
  stream.tcp.expire(stream.now() + 121e9);
  t.is(stream.lost(), 1);
});

test("no bytes in no order make it throw or keep more than it may", (t) => {
  const segments = fc.array(fc.record({ seq: fc.nat(3_000), bytes: hostileBytes, key: fc.nat(3) }), { maxLength: 40 });
  holds(
    t,
    fc.property(segments, (all) => {
      const stream = listener({ bytes: 70_000 });
      for (const { seq, bytes, key } of all) stream.push({ seq, bytes: Buffer.from(bytes) }, String(key));
      for (const { length } of stream.heard) assert.ok(length >= 12 && length <= 65_535);
    }),
    { numRuns: 500 },
  );
});
