// SPDX-License-Identifier: MIT
import test from "ava";
import type { Ending } from "../../../src/kernels/machine.js";
import { type KernelOutcome, type Verdict, exitStatus, judge } from "../../../src/kernels/outcome.js";
import type { TestResult } from "../../../src/kernels/tap.js";

const exited = (status: number): Ending => ({ kind: "exited", status, release: "6.1.0", bootMs: 3000 });
const passed: TestResult = { title: "a", outcome: "pass" };
const failed: TestResult = { title: "b", outcome: "fail" };

test("a kernel passes when its tests ran, none failed and the runner was content", (t) => {
  t.deepEqual(judge(exited(0), { tests: [passed], planned: 1 }), { verdict: "pass" });
});

test("a failed test fails the kernel even if the runner's status says otherwise", (t) => {
  t.is(judge(exited(0), { tests: [passed, failed], planned: 2 }).verdict, "fail");
});

test("a runner that crashed fails the kernel although every reported test passed", (t) => {
  t.is(judge(exited(139), { tests: [passed], planned: 1 }).verdict, "fail");
});

test("no tests at all are a failure", (t) => {
  t.deepEqual(judge(exited(0), { tests: [], planned: 0 }), { verdict: "fail", reason: "no test ran" });
});

test("a report cut before its plan is a failure", (t) => {
  t.is(judge(exited(0), { tests: [passed], planned: undefined }).verdict, "fail");
});

test("tests that ran out of time fail, a machine that was lost did not boot", (t) => {
  t.is(judge({ kind: "late", release: "6.1.0" }, { tests: [passed], planned: undefined }).verdict, "fail");
  t.is(judge({ kind: "lost", reason: "panic" }, { tests: [], planned: undefined }).verdict, "unbooted");
});

test("the exit status is success only when every kernel passed", (t) => {
  const status = (...verdicts: Verdict[]) => exitStatus({ qemu: "", append: "", kernels: verdicts.map(kernel) });
  t.is(status("pass", "pass"), 0);
  t.is(status("pass", "unavailable"), 3);
  t.is(status("unavailable", "fail"), 1);
  t.is(status("pass", "unbooted"), 1);
});

function kernel(verdict: Verdict): KernelOutcome {
  return { label: "6.1", verdict, tests: [], attempts: 1, durationMs: 1 };
}
