// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { FlowKey, FlowTable } from "../../src/netflow/flow-table.js";
import { Interner } from "../../src/netflow/interner.js";
import { holds } from "./support/holds.js";

const KEY_WORDS = 16;
const columns = [
  "bytesRead",
  "bytesWritten",
  "retransmits",
  "established",
  "closed",
  "rttSum",
  "rttVarSum",
  "rttCount",
] as const;

const word = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);
const keyOfWords = fc.array(word, { minLength: KEY_WORDS, maxLength: KEY_WORDS });

/** Puts keys into a table and into a Map from the joined key, counts each in every column, and compares the two. */
function compareWithMap(keys: readonly (readonly number[])[]): void {
  const table = new FlowTable();
  const model = new Map<string, { index: number; times: number }>();
  for (const key of keys) {
    table.key.set(key);
    const index = table.upsert();
    columns.forEach((column, at) => (table[column][index]! += (at + 1) * 2 ** 33));
    const joined = key.join();
    const known = model.get(joined) ?? { index: model.size + 1, times: 0 };
    known.times++;
    model.set(joined, known);
    assert.equal(index, known.index);
  }
  assert.equal(table.size, model.size);
  for (const [joined, { index, times }] of model) {
    assert.equal(Array.from({ length: KEY_WORDS }, (_, at) => table.part(index, at)).join(), joined);
    columns.forEach((column, at) => assert.equal(table[column][index], times * (at + 1) * 2 ** 33));
  }
}

test("flows are told apart and added up as a Map would", (t) => {
  holds(
    t,
    fc.property(fc.array(keyOfWords, { maxLength: 200, size: "max" }), (keys) => compareWithMap(keys)),
  );
});

test("flows keep their index and their sums while the table grows", (t) => {
  // More than five doublings of the smallest table; every key comes again after the last growth.
  const keys = Array.from({ length: 10_000 }, (_, number) =>
    Array.from({ length: KEY_WORDS }, (_, at) => (at === FlowKey.pid ? number : at)),
  );
  t.notThrows(() => compareWithMap([...keys, ...keys]));
});

for (const [part, at] of Object.entries(FlowKey)) {
  // So many that some must meet in a slot: there only the comparison of whole keys tells them apart.
  test(`flows that differ only in ${part} are different flows`, (t) => {
    const keys = Array.from({ length: 3000 }, (_, number) => {
      const key = new Array<number>(KEY_WORDS).fill(7);
      key[at] = number;
      return key;
    });
    t.notThrows(() => compareWithMap([...keys, ...keys]));
  });
}

test("addresses differ when any of their four words does", (t) => {
  const keys = Array.from({ length: 8 * 500 }, (_, number) => {
    const key = new Array<number>(KEY_WORDS).fill(7);
    key[number % 8] = 100 + Math.floor(number / 8);
    return key;
  });
  t.notThrows(() => compareWithMap([...keys, ...keys]));
});

test("an interner gives equal texts one number and gives them back", (t) => {
  holds(
    t,
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 4 }), { maxLength: 200 }), (texts) => {
      const interner = new Interner();
      const numbers = texts.map((text) => interner.numberOf(text));
      texts.forEach((text, at) => {
        assert.equal(interner.textOf(numbers[at]!), text);
        assert.equal(numbers.indexOf(numbers[at]!), texts.indexOf(text));
        assert.equal(numbers[at] === 0, text === "");
      });
      assert.throws(() => interner.textOf(new Set([...texts, ""]).size), RangeError);
    }),
  );
});
