// SPDX-License-Identifier: MIT
import test from "ava";
import { accountOf } from "../../../../scripts/test/account.mjs";

test("of an ava run it is what stands behind the list of tests", (t) => {
  const output = "  ✔ good\n  ✘ [fail]: bad\n  ─\n\n  bad\n\n  Difference:\n\n  ─\n\n  1 test failed\n";
  t.is(accountOf(output), "bad\n\n  Difference:\n\n  ─\n\n  1 test failed");
});

test("of anything else it is the end", (t) => {
  const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
  const account = accountOf(lines.join("\n"));
  t.true(account.startsWith("line 850\n"));
  t.true(account.endsWith("line 999"));
});

test("a long account is cut, and says so", (t) => {
  const account = accountOf(`  ─\n${Array.from({ length: 200 }, (_, index) => `line ${index}`).join("\n")}`);
  t.true(account.startsWith("line 0\n"));
  t.true(account.endsWith("line 149\n(and 50 more lines)"));
});
