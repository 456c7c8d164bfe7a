// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { Budget } from "../../src/stream/budget.js";
import { Reassembly } from "../../src/stream/reassembly.js";
import { holds } from "./support/holds.js";

/** Reads everything, a few bytes at a time, and only when it is told to. */
class Reading {
  read: number[] = [];
  losses = 0;
  isReady = true;
  indifferent = 0;
  readonly budget = new Budget(1 << 20);
  readonly reassembly: Reassembly;

  constructor(next: number) {
    this.reassembly = new Reassembly(
      next,
      {
        take: ({ bytes }, from, to) => {
          if (!this.isReady) return 0;
          this.read.push(...bytes.subarray(from, to));
          return to - from;
        },
        indifferent: () => this.indifferent,
        miss: (length) => void this.read.push(...new Array<number>(length).fill(-1)),
        lose: () => void this.losses++,
      },
      this.budget,
    );
  }

  add(seq: number, bytes: Uint8Array, length = bytes.length): void {
    // Other bytes stand around those of the piece.
    const around = Buffer.concat([Buffer.alloc(3, 0xee), bytes, Buffer.alloc(3, 0xee)]);
    this.reassembly.add(seq | 0, length, { bytes: around, timeNs: 1 }, 3, bytes.length);
  }
}

const source = Buffer.from(Array.from({ length: 200 }, (_, index) => index));

test("any pieces that cover the bytes, in any order, across the end of the numbers, give the bytes once and in order", (t) => {
  const piece = fc.tuple(fc.nat(source.length - 1), fc.integer({ min: 1, max: 60 }));
  holds(
    t,
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.integer({ min: -300, max: 300 }),
      fc.infiniteStream(fc.boolean()),
      (pieces, base, ready) => {
        const reading = new Reading(base);
        for (const [at, length] of pieces) {
          reading.isReady = ready.next().value as boolean;
          reading.add(base + at, source.subarray(at, at + length));
        }
        reading.isReady = true;
        for (let at = 0; at < source.length; at += 50) reading.add(base + at, source.subarray(at, at + 50));
        reading.reassembly.resume();
        assert.deepEqual(reading.read, [...source]);
        assert.equal(reading.losses, 0);
        assert.equal(reading.budget.used, 0);
        assert.equal(reading.reassembly.next, (base + source.length) | 0);
      },
    ),
  );
});

test("a hole the reader does not care for is passed over, also in the middle of a piece", (t) => {
  const reading = new Reading(0);
  reading.indifferent = 10;
  reading.add(4, Uint8Array.of(1, 2));
  reading.add(6, Uint8Array.of(3), 4);
  t.deepEqual(reading.read, [-1, -1, -1, -1, 1, 2, 3, -1, -1, -1]);
  reading.add(0, Uint8Array.of(9, 9, 9, 9));
  t.is(reading.read.length, 10, "what comes to fill it is old");
});

test("a hole the reader cares for is lost when nothing fills it any more", (t) => {
  const reading = new Reading(0);
  reading.add(2, Uint8Array.of(1));
  reading.add(5, Uint8Array.of(2));
  t.deepEqual(reading.read, []);
  reading.reassembly.giveUpHoles(0);
  t.deepEqual(reading.read, [], "it passed later");
  reading.reassembly.giveUpHoles(1);
  t.deepEqual(reading.read, [1, 2]);
  t.is(reading.losses, 2);
  t.is(reading.budget.used, 0);
});

test("bytes that find no room are lost at once", (t) => {
  const reading = new Reading(0);
  reading.budget.take(reading.budget.limit);
  reading.add(2, Uint8Array.of(1));
  t.is(reading.losses, 1);
  t.false(reading.reassembly.isWaiting);
});

test("a reader that never reads is told to give up, and no more than a quarter of a megabyte waits", (t) => {
  const reading = new Reading(0);
  reading.isReady = false;
  for (let at = 0; at < 1 << 20; at += 1000) {
    reading.add(at, new Uint8Array(1000));
    t.true(reading.budget.used < 300_000);
  }
  t.true(reading.losses > 0);
  reading.isReady = true;
  reading.add(1049 * 1000, Uint8Array.of(7));
  t.is(reading.read.at(-1), 7);
});
