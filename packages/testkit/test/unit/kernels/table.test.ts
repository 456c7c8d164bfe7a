// SPDX-License-Identifier: MIT
import test from "ava";
import type { KernelOutcome } from "../../../src/kernels/outcome.js";
import { closingLine, matrixRows, renderMarkdown, renderText } from "../../../src/kernels/table.js";

const old: KernelOutcome = {
  label: "5.10",
  verdict: "fail",
  reason: "1 of 2 tests failed",
  version: "5.10.223-1",
  release: "5.10.0-32-cloud-amd64",
  attempts: 2,
  durationMs: 61_400,
  logs: "logs/5.10",
  tests: [
    { title: "counts bytes", outcome: "fail", detail: "at: net.test.ts:8" },
    { title: "sees module functions", outcome: "skip", detail: "no module BTF" },
  ],
};
const recent: KernelOutcome = {
  label: "6.12",
  verdict: "pass",
  attempts: 1,
  durationMs: 30_000,
  tests: [
    { title: "counts bytes", outcome: "pass" },
    { title: "sees module functions", outcome: "pass" },
    { title: "only here", outcome: "pass" },
  ],
};
const missing: KernelOutcome = {
  label: "7.2",
  verdict: "unavailable",
  reason: "sid: has no such package",
  attempts: 0,
  durationMs: 0,
  tests: [],
};
const outcome = { qemu: "QEMU 10", append: "", kernels: [old, recent, missing] };

test("a row has the outcome of its test in each kernel, a dash where it did not run", (t) => {
  t.deepEqual(matrixRows(outcome.kernels), [
    { title: "counts bytes", cells: ["FAIL", "pass", "-"] },
    { title: "sees module functions", cells: ["skip", "pass", "-"] },
    { title: "only here", cells: ["-", "pass", "-"] },
    { title: "kernel", cells: ["FAIL", "pass", "not available"] },
  ]);
});

test("the text names reasons, releases, attempts and logs", (t) => {
  const text = renderText(outcome);
  t.true(text.includes("counts bytes           FAIL  pass  -\n"));
  t.true(
    text.includes(
      "5.10: FAIL (1 of 2 tests failed); 0 passed, 1 failed, 1 skipped; 61 s; " +
        "linux 5.10.0-32-cloud-amd64, package 5.10.223-1; 2 attempts; logs in logs/5.10\n",
    ),
  );
  t.true(text.includes("5.10 skip, no module BTF: sees module functions\n"));
  t.true(text.includes("5.10 FAIL counts bytes\n    at: net.test.ts:8\n"));
  t.true(text.includes("7.2: not available (sid: has no such package)\n"));
});

test("a bar in a title does not break the Markdown table", (t) => {
  const kernels = [{ ...recent, tests: [{ title: "a | b", outcome: "pass" as const }] }];
  t.true(renderMarkdown({ ...outcome, kernels }).includes("| a \\| b | pass |\n"));
});

test("the closing line counts tests, and a kernel without results as a failure", (t) => {
  t.is(closingLine(outcome.kernels), "kernels: 3 passed, 2 failed, 1 skipped");
});
