// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import type { Cursor } from "@skep/core";
import { RingReader } from "../../src/ring.js";
import { FabricatedRing } from "./support/fabricated-ring.js";

const copy = ({ bytes, at, length }: Cursor): string => Buffer.from(bytes.subarray(at, at + length)).toString("hex");
const drainAll = (reader: RingReader): string[] => {
  const seen: string[] = [];
  reader.drain((record) => seen.push(copy(record)), Infinity);
  return seen;
};

for (const ordered of [true, false]) {
  const reads = ordered ? "plain header loads" : "atomic header loads";

  test(`records come in order and exactly once (${reads})`, (t) => {
    const ring = new FabricatedRing(4096);
    const reader = new RingReader(ring, ordered);
    ring.write(3, 1);
    ring.write(8, 2);
    ring.write(0, 3);
    t.deepEqual(drainAll(reader), ["010101", "0202020202020202", ""]);
    t.deepEqual(drainAll(reader), []);
    t.is(reader.pending(), 0);
  });

  test(`any traffic is read as the kernel wrote it, across wraps of ring and 32-bit position (${reads})`, (t) => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("write" as const), length: fc.nat(600), discard: fc.boolean() }),
      fc.record({ kind: fc.constant("reserve" as const), length: fc.nat(600) }),
      fc.record({ kind: fc.constant("finish" as const) }),
      fc.record({ kind: fc.constant("drain" as const) }),
    );
    const starts = fc.constantFrom(0n, 2n ** 31n - 64n, 2n ** 32n - 128n, 2n ** 40n - 8n);
    fc.assert(
      fc.property(starts, fc.array(step, { maxLength: 200 }), (start, steps) => {
        const ring = new FabricatedRing(4096, start);
        const reader = new RingReader(ring, ordered);
        /** What a reader must see: records in order; none past the first that is busy. */
        let model: { text: string; state: "busy" | "done" | "discarded"; submit?: () => void }[] = [];
        let byte = 0;
        const drain = () => {
          const end = model.findIndex(({ state }) => state === "busy");
          const ready = end < 0 ? model : model.slice(0, end);
          t.deepEqual(
            drainAll(reader),
            ready.filter(({ state }) => state === "done").map(({ text }) => text),
          );
          model = end < 0 ? [] : model.slice(end);
          if (end < 0) t.is(reader.pending(), 0);
        };
        for (const each of steps) {
          if (each.kind === "drain") drain();
          else if (each.kind === "finish") {
            const busy = model.find(({ state }) => state === "busy");
            busy?.submit?.();
            if (busy !== undefined) busy.state = "done";
          } else {
            byte = (byte + 1) & 0xff;
            const record = ring.reserve(each.length, byte);
            if (record === undefined) continue;
            const text = Buffer.alloc(each.length, byte).toString("hex");
            if (each.kind === "reserve") {
              model.push({ text, state: "busy", submit: () => record.submit() });
              continue;
            }
            if (each.discard) record.discard();
            else record.submit();
            model.push({ text, state: each.discard ? "discarded" : "done" });
          }
        }
        for (const record of model) {
          if (record.state !== "busy") continue;
          record.submit?.();
          record.state = "done";
        }
        drain();
        t.is(ring.consumed & 7n, 0n);
      }),
      { numRuns: 200 },
    );
  });
}

test("a busy record holds back those behind it, and nothing is handed over twice when it is done", (t) => {
  const ring = new FabricatedRing(4096);
  const reader = new RingReader(ring, true);
  ring.write(4, 1);
  const busy = ring.reserve(4, 2)!;
  ring.write(4, 3);
  const end = reader.end();
  t.deepEqual(drainAll(reader), ["01010101"]);
  t.is(reader.pending(), 32);
  t.false(reader.hasReached(end));
  busy.submit();
  ring.write(4, 4);
  t.deepEqual(drainAll(reader), ["02020202", "03030303", "04040404"]);
  t.true(reader.hasReached(end));
});

test("a record that wraps lies in one piece", (t) => {
  const ring = new FabricatedRing(4096, 4096n - 16n);
  const reader = new RingReader(ring, true);
  ring.write(100, 7);
  t.deepEqual(drainAll(reader), ["07".repeat(100)]);
});

test("memory is given back while a long drain still runs", (t) => {
  const ring = new FabricatedRing(4096);
  const reader = new RingReader(ring, true);
  while (ring.write(120, 1));
  const positions = new Set<bigint>();
  t.is(
    reader.drain(() => positions.add(ring.consumed), Infinity),
    32,
  );
  t.deepEqual([...positions], [0n, 512n, 1024n, 1536n, 2048n, 2560n, 3072n, 3584n]);
  t.is(ring.consumed, 4096n);
});

test("the published position keeps its upper half when the lower one wraps", (t) => {
  const ring = new FabricatedRing(4096, 2n ** 32n - 128n);
  const reader = new RingReader(ring, true);
  for (let count = 0; count < 3; count++) {
    ring.write(120, 1);
    reader.drain(() => {}, Infinity);
  }
  t.is(ring.consumed, 2n ** 32n + 256n);
});

test("a drain whose deadline has passed stops after one look at the clock and goes on where it stopped", (t) => {
  const ring = new FabricatedRing(1 << 20);
  const reader = new RingReader(ring, true);
  const records = 8192; // of 16 bytes; the first look is after 16 KiB
  for (let at = 0; at < records; at++) ring.write(4, at & 0xff);
  const seen: number[] = [];
  const keep = ({ bytes, at }: Cursor) => seen.push(bytes[at]!);
  t.is(reader.drain(keep, 0), 1024);
  t.is(reader.pending(), (records - 1024) * 16);
  while (reader.drain(keep, 0) > 0);
  t.deepEqual(
    seen,
    Array.from({ length: records }, (_, index) => index & 0xff),
  );
});

test("a slow handler is held to its deadline however much there is to read", (t) => {
  const ring = new FabricatedRing(1 << 20);
  const reader = new RingReader(ring, true);
  while (ring.write(4, 1));
  const spin = () => {
    for (const end = performance.now() + 0.2; performance.now() < end;);
  };
  // The first slices teach it how slow the handler is.
  for (let slice = 0; slice < 6; slice++) reader.drain(spin, performance.now() + 1);
  const began = performance.now();
  const handed = reader.drain(spin, began + 5);
  t.true(handed >= 20 && handed < 200, `${handed} records of 0.2 ms in a slice of 5 ms`);
});

test("a record whose handler throws counts as consumed, and the error reaches the caller", (t) => {
  const ring = new FabricatedRing(4096);
  const reader = new RingReader(ring, true);
  for (const byte of [1, 2, 3]) ring.write(4, byte);
  const error = t.throws(() =>
    reader.drain(({ bytes, at }) => {
      if (bytes[at] === 2) throw new Error("no");
    }, Infinity),
  );
  t.is(error?.message, "no");
  t.is(ring.consumed, 32n);
  t.deepEqual(drainAll(reader), ["03030303"]);
});

test("a drain inside a handler hands over nothing", (t) => {
  const ring = new FabricatedRing(4096);
  const reader = new RingReader(ring, true);
  for (const byte of [1, 2]) ring.write(4, byte);
  let outer = 0;
  let inner = 0;
  reader.drain(() => {
    outer++;
    inner += reader.drain(() => {}, Infinity);
  }, Infinity);
  t.deepEqual([outer, inner], [2, 0]);
});
