// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import http2 from "node:http2";
import test from "ava";
import fc from "fast-check";
import { Side } from "@skep/protocols";
import { detectProtocol, protocolDetector, protocolNames, type ProtocolName } from "../../../src/protocols/index.js";
import { holds } from "./support/holds.js";
import { Listener } from "./support/listener.js";
import { recorded, recordings } from "./support/recorded.js";
import { kafkaRequest, kafkaResponse, mongoMessage } from "./support/messages.js";

const NOTHING = new Uint8Array(0);

/** What each protocol's connections begin with, and who says it. */
const openings: readonly { readonly name: ProtocolName; readonly isClient: boolean; readonly bytes: Buffer }[] = [
  ...recordings.map((recording) => {
    const { isClient, bytes } = recorded(recording)[0]!;
    return { name: recording.split("-")[0] as ProtocolName, isClient, bytes };
  }),
  { name: "http", isClient: true, bytes: Buffer.from("GET /a HTTP/1.1\r\nHost: x\r\n\r\n") },
  { name: "http", isClient: true, bytes: Buffer.from("POST /long") },
  {
    name: "http2",
    isClient: true,
    bytes: Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), http2.getPackedSettings({})]),
  },
  { name: "kafka", isClient: true, bytes: kafkaRequest({ api: 18, version: 3, correlation: 1, client: "rdkafka" }) },
  { name: "mongodb", isClient: true, bytes: mongoMessage({ id: 1, document: { hello: 1, $db: "admin" } }) },
];

test("each protocol is told by what its clients or servers really say first, whichever end we are", (t) => {
  for (const { name, isClient, bytes } of openings) {
    t.deepEqual(detectProtocol(bytes, NOTHING), { name, requests: isClient ? "read" : "written" }, name);
    t.deepEqual(detectProtocol(NOTHING, bytes), { name, requests: isClient ? "written" : "read" }, name);
  }
});

test("one protocol is never taken for another, not where others are switched off either", (t) => {
  for (const { name, bytes } of openings) {
    for (const other of protocolNames) {
      const detector = protocolDetector({ told: () => {}, lost: () => {} }, (wanted) => wanted === other);
      const found = detector(bytes, false);
      if (other === name || (name === "http2" && other === "grpc")) t.not(found, undefined, `${name} as ${other}`);
      else t.true(found === "more" || found === undefined, `${name} as ${other}`);
    }
  }
});

test("requests in the middle of a connection are not taken for another protocol's either", (t) => {
  let known = 0;
  for (const recording of recordings) {
    const name = recording.split("-")[0];
    for (const { bytes } of recorded(recording)) {
      for (const other of protocolNames) {
        const detector = protocolDetector({ told: () => {}, lost: () => {} }, (wanted) => wanted === other);
        const found = detector(bytes, true);
        if (other === name) known += typeof found === "object" ? 1 : 0;
        else
          t.true(
            found === "more" || found === undefined,
            `${recording} as ${other}: ${bytes.toString("latin1", 0, 40)}`,
          );
      }
    }
  }
  t.true(known > 60, `${known} requests are known`);
});

test("what servers say in the middle of a connection is not taken for requests", (t) => {
  const detector = protocolDetector({ told: () => {}, lost: () => {} }, () => true);
  const answers = [
    ...recordings.flatMap((name) => recorded(name).filter(({ isClient }, index) => !isClient && index > 1)),
    ...[0, 1, 5, 20, 300].map((correlation) => ({ bytes: kafkaResponse(correlation, Buffer.alloc(40)) })),
    { bytes: kafkaResponse(3, Buffer.from("000000000000003c00000000000900010000000c", "hex")) },
    { bytes: mongoMessage({ id: 4, respondsTo: 3, document: { ok: 1 } }) },
    { bytes: Buffer.from("*2\r\n$3\r\nfoo\r\n$3\r\nbar\r\n") },
    { bytes: Buffer.from("HTTP/1.1 200 OK\r\n\r\n") },
  ];
  for (const { bytes } of answers) {
    t.false(typeof detector(bytes, true) === "object", bytes.toString("latin1", 0, 60));
  }
});

test("random bytes are nothing", (t) => {
  holds(
    t,
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      assert.equal(detectProtocol(bytes, NOTHING), undefined);
    }),
    { numRuns: 5000 },
  );
});

test("text is nothing but HTTP", (t) => {
  holds(
    t,
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      const found = detectProtocol(Buffer.from(text), NOTHING);
      assert.ok(found === undefined || found.name === "http", text);
    }),
    { numRuns: 5000 },
  );
});

test("TLS is nothing, also where PostgreSQL and MySQL begin it", (t) => {
  const hello = Buffer.from("16030100ca010000c60303", "hex");
  t.is(detectProtocol(hello, NOTHING), undefined);
  const postgres = new Listener().hearAll([
    { isClient: true, bytes: Buffer.from("0000000804d2162f", "hex") },
    { isClient: false, bytes: Buffer.from("S") },
    { isClient: true, bytes: hello },
  ]);
  t.is(postgres.conversation.outcome, "ignored");
  const [greeting] = recorded("mysql-node");
  const request = Buffer.alloc(36);
  request.writeUInt32LE(32 | (1 << 24), 0);
  request.writeUInt32LE((1 << 9) | (1 << 11), 4);
  const mysql = new Listener().hearAll([
    greeting!,
    { isClient: true, bytes: request },
    { isClient: true, bytes: hello },
  ]);
  t.is(mysql.conversation.outcome, "ignored");
  t.is(postgres.budget.used + mysql.budget.used, 0);
  t.is(postgres.heard.length + mysql.heard.length, 0);
});

test("a server of PostgreSQL that has no TLS goes on without", (t) => {
  const [, refusal] = recorded("postgresql-psql");
  t.is(refusal?.bytes.toString(), "N");
});

test("protocols that are switched off are not decoded", (t) => {
  const listener = new Listener({ protocols: ["http"] }).hearAll(recorded("redis-ioredis"));
  t.is(listener.heard.length, 0);
  t.is(listener.conversation.outcome, "ignored");
  t.is(new Listener().hearAll(recorded("mysql-node")).conversation.sideOf(false), Side.REQUESTS);
});
