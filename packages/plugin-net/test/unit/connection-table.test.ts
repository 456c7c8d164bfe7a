// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { ConnectionTable } from "../../src/netflow/connection-table.js";
import { holds } from "./support/holds.js";

const columns = ["bytesRead", "bytesWritten", "retransmits", "told"] as const;

type Step = { readonly kind: "touch" | "remove"; readonly id: number } | { readonly kind: "pass" | "forget" };

// Ids of the kernel are 53-bit numbers; those here differ beyond 32 bits too.
const id = fc
  .tuple(fc.integer({ min: 0, max: 90 }), fc.constantFrom(0, 2 ** 32, 2 ** 52))
  .map(([low, high]) => high + low);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: id.map((id): Step => ({ kind: "touch", id })) },
  { weight: 4, arbitrary: id.map((id): Step => ({ kind: "remove", id })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "pass" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "forget" }) },
);

test("the table remembers each connection's numbers as a Map would", (t) => {
  holds(
    t,
    fc.property(fc.array(step, { maxLength: 600, size: "max" }), (steps) => {
      const table = new ConnectionTable();
      const model = new Map<number, { mark: number; seen: number }>();
      let pass = 0;
      let marks = 0;
      for (const step of steps) {
        if (step.kind === "touch") {
          const slot = table.touch(step.id);
          const known = model.get(step.id);
          const mark = known?.mark ?? 0;
          assert.deepEqual(
            columns.map((column) => table[column][slot]),
            [mark, mark, mark, mark],
          );
          const next = ++marks % 256;
          for (const column of columns) table[column][slot] = next;
          model.set(step.id, { mark: next, seen: pass });
        } else if (step.kind === "remove") {
          table.remove(step.id);
          model.delete(step.id);
        } else if (step.kind === "pass") {
          table.beginPass();
          pass++;
        } else {
          const stale = [...model].filter(([, { seen }]) => pass - seen >= 2).map(([id]) => id);
          assert.equal(table.forgetUnseen(), stale.length);
          for (const id of stale) model.delete(id);
        }
        assert.equal(table.size, model.size);
      }
      const slots = [...model.keys()].map((id) => table.find(id));
      assert.equal(new Set(slots).size, model.size, "no two connections share a slot");
      assert(!slots.includes(-1));
      for (const [id, { mark }] of model) assert.equal(table.bytesRead[table.find(id)], mark);
      assert.equal(table.find(-5), -1);
    }),
  );
});

test("a connection that one reading skipped is kept, one that two readings skipped is forgotten", (t) => {
  const table = new ConnectionTable();
  table.beginPass();
  table.touch(1);
  t.is(table.forgetUnseen(), 0);
  table.beginPass();
  t.is(table.forgetUnseen(), 0);
  t.not(table.find(1), -1);
  table.beginPass();
  t.is(table.forgetUnseen(), 1);
  t.is(table.find(1), -1);
});

test("slots of connections that are gone are used again", (t) => {
  const table = new ConnectionTable();
  for (let id = 0; id < 10_000; id++) {
    table.touch(id);
    table.remove(id);
  }
  t.is(table.told.length, 64);
  t.is(table.size, 0);
});

test("a connection that was removed while all were being read is known to be gone until that is over", (t) => {
  const table = new ConnectionTable();
  table.remove(1);
  t.false(table.isGone(1), "no reading is under way");
  table.beginPass();
  table.touch(2);
  table.remove(2);
  table.remove(3);
  t.deepEqual(
    [1, 2, 3, 4].map((id) => table.isGone(id)),
    [false, true, true, false],
  );
  table.forgetUnseen();
  t.false(table.isGone(2));
  table.remove(4);
  t.false(table.isGone(4));
});

test("removing a connection twice frees its slot once", (t) => {
  const table = new ConnectionTable();
  table.touch(1);
  table.remove(1);
  table.remove(1);
  t.not(table.touch(2), table.touch(3));
});
