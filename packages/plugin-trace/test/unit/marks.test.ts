// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { Marks, type Mover } from "../../src/capture/marks.js";

const by = (tid: number): Mover => ({ pid: 1, tid, goroutine: 0n, threadName: "", timeNs: 0, isSure: true });

test("a byte was moved by the last thread whose mark begins at it or before, once it is known to be moved", (t) => {
  const marks = new Marks();
  marks.add(100, by(1));
  marks.movedTo(150);
  t.is(marks.moverOf(99), undefined);
  t.is(marks.moverOf(100)?.tid, 1);
  t.is(marks.moverOf(149)?.tid, 1);
  t.is(marks.moverOf(150), undefined);
  // The same thread went on, which needs no mark; then another did.
  marks.add(300, by(2));
  marks.movedTo(310);
  t.is(marks.moverOf(299)?.tid, 1);
  t.is(marks.moverOf(300)?.tid, 2);
});

test("whoever moves what, across the end of sequence numbers too: each byte is told by who moved it", (t) => {
  const moves = fc.array(
    fc.record({ tid: fc.integer({ min: 1, max: 3 }), length: fc.integer({ min: 1, max: 5000 }) }),
    {
      maxLength: 100,
    },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), moves, (first, script) => {
      const marks = new Marks();
      let at = first;
      let last = 0;
      for (const { tid, length } of script) {
        if (tid !== last) marks.add(at, by(tid));
        marks.movedTo((at + length) >>> 0);
        last = tid;
        if (marks.moverOf(at)?.tid !== tid || marks.moverOf((at + length - 1) >>> 0)?.tid !== tid) return false;
        at = (at + length) >>> 0;
        if (marks.moverOf(at) !== undefined) return false;
      }
      return true;
    }),
  );
  t.pass();
});
