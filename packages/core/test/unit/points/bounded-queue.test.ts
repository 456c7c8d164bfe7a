// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { BoundedQueue } from "../../../src/points/bounded-queue.js";

test("whatever is pushed and taken, it is a bounded first-in first-out queue that loses its oldest", (t) => {
  const push = fc.array(fc.integer(), { maxLength: 12 }).map((items) => ({ push: items }));
  const take = fc.nat(12).map((count) => ({ take: count }));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.oneof(push, take), { maxLength: 60 }),
      (capacity, steps) => {
        const queue = new BoundedQueue<number>(capacity);
        let model: number[] = [];
        for (const step of steps) {
          if ("push" in step) {
            model.push(...step.push);
            const excess = Math.max(0, model.length - capacity);
            model = model.slice(excess);
            t.is(queue.push(step.push), excess);
          } else {
            t.deepEqual(queue.take(step.take), model.slice(0, step.take));
            model = model.slice(step.take);
          }
          t.is(queue.size, model.length);
        }
        t.is(queue.clear(), model.length);
        t.is(queue.size, 0);
      },
    ),
  );
  t.pass();
});
