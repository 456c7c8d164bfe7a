// SPDX-License-Identifier: MIT
// The sums of `npm test`: a figure that lies there would hide everything else.
import test from "ava";
import { add, tallyOf, withOutcome } from "../../../../scripts/test/tally.mjs";

test("the tests of several ava runs and kernels are summed, whatever their colour", (t) => {
  const output = [
    "  \u001b[32m✔\u001b[39m arguments › 3 tests passed to me as a title",
    "  ✔ duration › units add up (12ms)",
    "  ✘ [fail]: duration › soon is refused",
    "  - [skip] live › needs root",
    "  - [todo] later",
    "  ─",
    "  duration › soon is refused",
    "  1 test failed",
    "  2 uncaught exceptions",
    "  √ on a terminal without Unicode",
    "  1 test passed",
    "6.1: pass; 10 passed, 0 failed, 4 skipped; 110 s; linux 6.1.0, package 6.1.1-1",
    "5.10: FAIL; 8 passed, 1 failed, 5 skipped; 120 s",
    "kernels: 18 passed, 1 failed, 9 skipped",
  ].join("\n");
  t.deepEqual(tallyOf(output), { passed: 21, failed: 4, skipped: 11 });
});

test("a step that fails without a failing test counts as one failure", (t) => {
  t.deepEqual(withOutcome({ passed: 5, failed: 0, skipped: 0 }, false), { passed: 5, failed: 1, skipped: 0 });
  t.deepEqual(withOutcome({ passed: 5, failed: 2, skipped: 0 }, false), { passed: 5, failed: 2, skipped: 0 });
  t.deepEqual(withOutcome({ passed: 5, failed: 0, skipped: 0 }, true), { passed: 5, failed: 0, skipped: 0 });
});

test("tallies add up", (t) => {
  t.deepEqual(add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 }), {
    passed: 11,
    failed: 22,
    skipped: 33,
  });
});
