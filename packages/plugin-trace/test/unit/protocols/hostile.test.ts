// SPDX-License-Identifier: MIT
// What decoders make of bytes that are lost, cut, spoilt or made up.

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { holds } from "./support/holds.js";
import { Listener } from "./support/listener.js";
import { kafkaRequest, kafkaResponse, mongoMessage } from "./support/messages.js";
import { recorded, recordings, type Said } from "./support/recorded.js";

const written: readonly Said[][] = [
  [
    { isClient: true, bytes: kafkaRequest({ api: 3, version: 9, correlation: 1, client: "c" }) },
    { isClient: false, bytes: kafkaResponse(1, Buffer.alloc(900)) },
    { isClient: true, bytes: kafkaRequest({ api: 1, version: 12, correlation: 2, client: "c" }) },
    { isClient: false, bytes: kafkaResponse(2) },
  ],
  [
    {
      isClient: true,
      bytes: mongoMessage({ id: 1, document: { find: "c", filter: { a: { b: [1, "x"] } }, $db: "d" } }),
    },
    { isClient: false, bytes: mongoMessage({ id: 9, respondsTo: 1, document: { cursor: { firstBatch: [] }, ok: 1 } }) },
    { isClient: true, bytes: mongoMessage({ id: 2, document: { ping: 1, $db: "d" } }) },
    { isClient: false, bytes: mongoMessage({ id: 10, respondsTo: 2, document: { ok: 0, errmsg: "no", code: 5 } }) },
  ],
];
const talks: readonly (readonly Said[])[] = [...recordings.map((name) => recorded(name)), ...written];
/** One of them by its number: a finding is to be readable. */
const talk = fc.nat(talks.length - 1);
/** Little, so that the limit is met. */
const LIMIT = 256 * 1024;

const change = fc.record({
  at: fc.nat(1 << 20),
  kind: fc.constantFrom("byte", "cut", "double", "drop", "swap", "zero", "huge"),
  value: fc.nat(255),
  length: fc.integer({ min: 1, max: 60 }),
});
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;

/** A conversation that goes wrong somewhere. */
function spoilt(said: readonly Said[], changes: readonly Change[]): Said[] {
  const out = said.map(({ isClient, bytes }) => ({ isClient, bytes: Buffer.from(bytes) }));
  for (const { at, kind, value, length } of changes) {
    if (out.length === 0) break;
    const index = at % out.length;
    const { isClient, bytes } = out[index]!;
    const byte = bytes.length === 0 ? 0 : (at >> 3) % bytes.length;
    if (kind === "byte" && bytes.length > 0) bytes[byte] = value;
    else if (kind === "huge") bytes.fill(0xff, byte, Math.min(bytes.length, byte + 4));
    else if (kind === "zero") bytes.fill(0, byte, Math.min(bytes.length, byte + length));
    else if (kind === "cut") out[index] = { isClient, bytes: bytes.subarray(0, byte) };
    else if (kind === "drop") out.splice(index, 1);
    else if (kind === "swap") out[index] = { isClient: !isClient, bytes };
    else out[index] = { isClient, bytes: Buffer.concat([bytes.subarray(0, byte + length), bytes.subarray(byte)]) };
  }
  return out;
}

test("spoilt conversations make no decoder throw, keep no more than is allowed, and nothing at the end", (t) => {
  let told = 0;
  holds(
    t,
    fc.property(
      talk,
      fc.array(change, { maxLength: 6 }),
      fc.integer({ min: 1, max: 3000 }),
      fc.boolean(),
      (index, changes, size, isMidway) => {
        const said = talks[index]!;
        const listener = new Listener({ isMidway, limit: LIMIT }).hearAll(spoilt(said, changes), size);
        assert.ok(listener.budget.used <= LIMIT);
        if (changes.length % 2 === 0) listener.conversation.giveUpHoles(Infinity);
        listener.conversation.tellProgress();
        listener.conversation.close();
        assert.equal(listener.budget.used, 0);
        told += listener.heard.length;
        for (const { fields } of listener.heard) assert.ok(JSON.stringify(fields).length < 8000);
      },
    ),
    { numRuns: 3000 },
  );
  t.true(told > 3000, `${told} calls are still told`);
});

test("holes make no decoder throw: what follows is found again", (t) => {
  holds(
    t,
    fc.property(talk, fc.array(fc.nat(40), { maxLength: 6 }), fc.nat(2000), (index, holes, captured) => {
      const said = talks[index]!;
      const listener = new Listener({ limit: LIMIT });
      said.forEach((one, index) => {
        if (index > 2 && holes.includes(index)) listener.hear(one, captured);
        else listener.hear(one);
      });
      listener.conversation.giveUpHoles(Infinity);
      listener.conversation.close();
      assert.equal(listener.budget.used, 0);
      // What is told and what is lost are all there was, or fewer where requests themselves were not seen.
      assert.ok(listener.heard.length + listener.lost <= new Listener().hearAll(said).heard.length + 1);
    }),
    { numRuns: 1000 },
  );
});

const messages = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes));
const DATA_ROW = Buffer.concat([Buffer.from("D\0\0\x03\xec", "latin1"), Buffer.alloc(1000)]);
const READY = Buffer.from("C\0\0\0\x0dSELECT 9\0Z\0\0\0\x05I", "latin1");
const query = (text: string): Buffer => {
  const message = Buffer.concat([Buffer.from("Q\0\0\0\0"), Buffer.from(`${text}\0`)]);
  message.writeInt32BE(message.length - 1, 1);
  return message;
};

/** A result of which the kernel gives lengths only, but for the beginning. */
function largeResult(captured: number): Listener {
  const login = recorded("postgresql-psql").slice(0, 4);
  const listener = new Listener().hearAll(login);
  for (let at = 0; at < 3; at++) {
    listener.hear({ isClient: true, bytes: query(`select ${at} from t`) });
    const rows = messages(200, DATA_ROW);
    listener.hear({ isClient: false, bytes: rows.subarray(0, 16_001) });
    listener.hear({ isClient: false, bytes: rows.subarray(16_001, 70_000) }, captured);
    listener.hear({ isClient: false, bytes: Buffer.concat([rows.subarray(70_000), READY]) }, captured);
  }
  listener.hear({ isClient: true, bytes: query("commit") });
  listener.hear({ isClient: false, bytes: READY });
  return listener;
}

test("a large result of which only the beginning is seen is one call, with all its bytes", (t) => {
  for (const captured of [0, 13, 5000, 1 << 20]) {
    const { heard, lost, budget } = largeResult(captured);
    t.deepEqual(
      heard.map(({ fields, responseBytes }) => `${fields.resource} ${responseBytes}`),
      [...[0, 1, 2].map(() => `select ? from t ${200 * DATA_ROW.length + READY.length}`), `commit ${READY.length}`],
      `${captured}`,
    );
    t.is(lost, 0);
    t.true(budget.used < 1000);
  }
});

test("the end of a large result ends its call, where it is seen", (t) => {
  const query = Buffer.from("\0\0\0\0\x03select a from t", "latin1");
  query.writeUIntLE(query.length - 4, 0, 3);
  const column = Buffer.from("\x01\0\0\x01\x01\x02\0\0\x02\x03d", "latin1");
  const row = Buffer.concat([Buffer.from("\xe8\x03\0\x04", "latin1"), Buffer.alloc(1000, "r")]);
  for (const end of ["\x05\0\0\x09\xfe\0\0\x02\0", "\x07\0\0\x09\xfe\0\0\x02\0\0\0"]) {
    const listener = new Listener({ isMidway: true });
    listener.hear({ isClient: true, bytes: query });
    listener.hear({ isClient: false, bytes: Buffer.concat([column, row]) });
    listener.hear({ isClient: false, bytes: messages(50, row) }, 100);
    t.is(listener.heard.length, 0);
    listener.hear({ isClient: false, bytes: Buffer.concat([row, Buffer.from(end, "latin1")]) });
    t.deepEqual(listener.resources, ["select a from t"]);
    t.is(listener.heard[0]!.responseBytes, column.length + 52 * row.length + end.length);
  }
  const postgres = new Listener().hearAll(recorded("postgresql-psql").slice(0, 4));
  postgres.hear({ isClient: true, bytes: Buffer.from("Q\0\0\0\x0dselect 1\0", "latin1") });
  postgres.hear({ isClient: false, bytes: messages(30, DATA_ROW) }, 2500);
  t.is(postgres.heard.length, 0);
  postgres.hear({ isClient: false, bytes: READY });
  t.is(postgres.heard.length, 1);
});

test("a large request of which only the beginning is seen is one call, with all its bytes", (t) => {
  const postgres = new Listener().hearAll(recorded("postgresql-psql").slice(0, 4));
  postgres.hear({ isClient: true, bytes: query("copy t from stdin") });
  postgres.hear({ isClient: false, bytes: Buffer.from("G\0\0\0\x07\0\0\0", "latin1") });
  const rows = messages(300, Buffer.from("d\0\0\0\x0brow\t1\t2", "latin1"));
  for (let at = 0; at < rows.length; at += 1000) {
    postgres.hear({ isClient: true, bytes: rows.subarray(at, at + 1000) }, at < 1000 ? 1000 : 0);
  }
  postgres.hear({ isClient: true, bytes: Buffer.from("c\0\0\0\x04", "latin1") });
  postgres.hear({ isClient: false, bytes: Buffer.from("C\0\0\0\x0dCOPY 300\0Z\0\0\0\x05I", "latin1") });
  postgres.hear({ isClient: true, bytes: query("commit") });
  postgres.hear({ isClient: false, bytes: READY });
  t.deepEqual(
    postgres.heard.map(({ fields, requestBytes }) => [fields.resource, requestBytes]),
    [
      ["copy t from stdin", query("copy t from stdin").length + rows.length + 5],
      ["commit", query("commit").length],
    ],
  );

  const said = recorded("amqp-node");
  const body = said.findIndex(({ isClient, bytes }) => isClient && bytes[0] === 3);
  const amqp = new Listener();
  said.forEach((one, index) => {
    if (index !== body) return amqp.hear(one);
    // In frames as small as a peer may ask for, of which the first is seen.
    const payload = one.bytes.subarray(7, -1);
    const frames = Array.from({ length: payload.length / 100 }, (_, part) =>
      Buffer.concat([
        Buffer.from("\x03\0\x02\0\0\0\x64", "latin1"),
        payload.subarray(part * 100, part * 100 + 100),
        Buffer.of(0xce),
      ]),
    );
    amqp.hear({ isClient: true, bytes: frames[0]! });
    amqp.hear({ isClient: true, bytes: Buffer.concat(frames.slice(1)) }, 250);
  });
  const expected = new Listener().hearAll(said);
  t.deepEqual(amqp.resources, expected.resources);
  t.deepEqual(
    amqp.heard.map(({ fields }) => fields.amqp_resp_method),
    expected.heard.map(({ fields }) => fields.amqp_resp_method),
  );
  t.is(amqp.lost + postgres.lost, 0);
});

test("answers to requests that nobody saw are nobody's", (t) => {
  const command = (key: string): Buffer => Buffer.from(`*2\r\n$3\r\nGET\r\n$1\r\n${key}\r\n`);
  const listener = new Listener({ isMidway: true });
  const says = (isClient: boolean, ...bytes: readonly (Buffer | string)[]): void =>
    bytes.forEach((one) => listener.hear({ isClient, bytes: Buffer.from(one) }));
  says(true, command("a"));
  says(false, "+a\r\n", "-ERR nobody's\r\n", "-ERR nobody's\r\n");
  says(true, command("b"));
  says(false, "+b\r\n");
  t.deepEqual(
    listener.heard.map(({ fields }) => `${fields.resource} ${fields.status_msg}`),
    ["GET a +a", "GET b +b"],
  );
});

test("requests without end are given up, and what they cost is bounded", (t) => {
  const flood: readonly (readonly [Said, Buffer])[] = [
    [recorded("redis-ioredis")[0]!, Buffer.from("*100\r\n$50\r\n".padEnd(1000, "x"))],
    [recorded("redis-ioredis")[0]!, messages(100, Buffer.from("*1\r\n$4\r\nPING\r\n"))],
    [recorded("redis-ioredis")[0]!, messages(300, Buffer.from("*1\r\n"))],
    [
      { isClient: true, bytes: recorded("amqp-node")[0]!.bytes },
      messages(50, Buffer.from("01000100000005003c0028000000ce", "hex")),
    ],
    [written[0]![0]!, messages(50, written[0]![0]!.bytes)],
    [written[1]![0]!, messages(50, written[1]![0]!.bytes)],
  ];
  for (const [first, bytes] of flood) {
    const listener = new Listener({ limit: 4 << 20 });
    listener.hear(first);
    for (let times = 0; times < 300; times++) {
      listener.hear({ isClient: true, bytes });
      t.true(listener.budget.used <= 4 << 20);
    }
    listener.conversation.close();
    t.is(listener.budget.used, 0);
  }
});
