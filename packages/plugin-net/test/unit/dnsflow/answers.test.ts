// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import { type Answer } from "dns-packet";
import fc from "fast-check";
import { addressesOf } from "../../../src/dnsflow/answers.js";
import { holds } from "../support/holds.js";
import { answerBytes, hostileBytes } from "./support.js";

const name = "www.example.org";
const learn = (answers: Answer[], type: "A" | "AAAA" = "A") =>
  addressesOf(answerBytes({ name, type }, { answers }), name);

test("addresses are learnt with their time to live", (t) => {
  t.deepEqual(
    learn([
      { type: "A", name, data: "192.0.2.1", ttl: 60 },
      { type: "A", name, data: "192.0.2.2", ttl: 0 },
    ]),
    [
      { ip: "192.0.2.1", name, ttlSeconds: 60 },
      { ip: "192.0.2.2", name, ttlSeconds: 0 },
    ],
  );
  t.like(learn([{ type: "AAAA", name, data: "2001:db8::1", ttl: 9 }], "AAAA")[0], { ip: "2001:db8::1", ttlSeconds: 9 });
});

test("at the end of a chain of aliases stands the name that was asked for, in whatever order they come", (t) => {
  const chain: Answer[] = [
    { type: "CNAME", name, data: "edge.example.net" },
    { type: "CNAME", name: "Edge.Example.NET", data: "pop7.example.com" },
    { type: "A", name: "pop7.example.com", data: "192.0.2.7", ttl: 30 },
  ];
  for (const answers of [chain, [...chain].reverse()]) {
    t.deepEqual(learn(answers), [{ ip: "192.0.2.7", name, ttlSeconds: 30 }]);
  }
});

test("addresses of names nobody asked for are not learnt", (t) => {
  t.deepEqual(learn([{ type: "A", name: "other.example.org", data: "192.0.2.9", ttl: 60 }]), []);
});

test("aliases that lead back to themselves end", (t) => {
  t.deepEqual(
    learn([
      { type: "CNAME", name, data: "b.example" },
      { type: "CNAME", name: "b.example", data: name },
      { type: "A", name: "b.example", data: "192.0.2.1", ttl: 1 },
    ]),
    [{ ip: "192.0.2.1", name, ttlSeconds: 1 }],
  );
});

test("other sections are not looked at, whatever they claim to hold", (t) => {
  const bytes = answerBytes({ name }, { answers: [{ type: "A", name, data: "192.0.2.1", ttl: 60 }] });
  bytes.writeUInt16BE(0xffff, 8);
  bytes.writeUInt16BE(0xffff, 10);
  t.is(addressesOf(bytes, name).length, 1);
});

test("an answer that claims more records than it has teaches nothing", (t) => {
  const bytes = answerBytes({ name }, { answers: [{ type: "A", name, data: "192.0.2.1", ttl: 60 }] });
  bytes.writeUInt16BE(2, 6);
  t.deepEqual(addressesOf(bytes, name), []);
});

test("a message made of pointers to pointers is read in bounded time", (t) => {
  const header = Buffer.from([0, 1, 0x81, 0x80, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const root = Buffer.from([0, 0, 1, 0, 1]);
  const pointers = Buffer.alloc(16_000);
  for (let at = 0; at < pointers.length; at += 2) {
    pointers.writeUInt16BE(0xc000 | Math.max(12, header.length + root.length + at - 2), at);
  }
  const records = Buffer.alloc(48_000);
  for (let at = 0; at + 16 <= records.length; at += 16) {
    records.writeUInt16BE(0xc000 | (header.length + root.length + 15_990), at);
    records.writeUInt16BE(1, at + 2);
    records.writeUInt16BE(4, at + 10);
  }
  const began = performance.now();
  addressesOf(Buffer.concat([header, root, pointers, records]), name);
  addressesOf(Buffer.concat([header, root, records, pointers]), name);
  t.true(performance.now() - began < 1_000);
});

test("no bytes make it throw, and what it learns are addresses", (t) => {
  holds(
    t,
    fc.property(hostileBytes, (bytes) => {
      for (const { ip, ttlSeconds } of addressesOf(Buffer.from(bytes), name)) {
        assert.match(ip, /^[0-9a-f.:]+$/);
        assert.ok(ttlSeconds >= 0 && ttlSeconds < 2 ** 32);
      }
    }),
    { numRuns: 2_000 },
  );
});
