// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { Backoff } from "../../../src/internal/backoff.js";
import { didYouMean, near } from "../../../src/internal/near.js";

test("waits double up to the maximum, never less than half of that, and begin anew after a reset", (t) => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(60), (chance, attempts) => {
      const backoff = new Backoff({ initialMs: 100, maxMs: 1600, random: () => chance });
      for (let i = 0; i <= attempts; i++) {
        const whole = Math.min(1600, 100 * 2 ** i);
        const ms = backoff.next();
        t.true(ms >= whole / 2 && ms < whole);
      }
      backoff.reset();
      t.true(backoff.next() < 100);
    }),
  );
});

test("only near names are suggested, the nearest first", (t) => {
  t.deepEqual(near("intervall", ["hostname", "interval", "service"]), ["interval"]);
  t.is(didYouMean("ebpf-nat", ["ebpf-net", "ebpf-bash"]), "did you mean ebpf-net?");
  t.is(didYouMean("x", ["y"]), undefined);
});
