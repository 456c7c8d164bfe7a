// SPDX-License-Identifier: MIT
import type { Ending } from "./machine.js";
import { type TapReport, type TestResult } from "./tap.js";

/**
 * How a kernel came out. `unavailable`: it could not be fetched. `unbooted`: no attempt reached the end of the tests.
 * Only `pass` is a success: a kernel that was not tested is never one.
 */
export type Verdict = "pass" | "fail" | "unbooted" | "unavailable";

/** One column of the matrix. */
export interface KernelOutcome {
  readonly label: string;
  readonly verdict: Verdict;
  /** Why the verdict is not `pass`. */
  readonly reason?: string;
  /** Debian package version and `uname -r`, where the kernel could be had. */
  readonly version?: string;
  readonly release?: string;
  readonly tests: readonly TestResult[];
  readonly attempts: number;
  readonly bootMs?: number;
  readonly durationMs: number;
  /** Folder with the logs of a run that did not pass. */
  readonly logs?: string;
}

/** A whole run, as it is written to JSON. */
export interface MatrixOutcome {
  readonly qemu: string;
  /** What was added to the kernels' command line. */
  readonly append: string;
  readonly kernels: readonly KernelOutcome[];
}

/** Judges a machine's ending together with the tests it reported. */
export function judge(ending: Ending, report: TapReport): { readonly verdict: Verdict; readonly reason?: string } {
  if (ending.kind === "lost") return { verdict: "unbooted", reason: ending.reason };
  if (ending.kind === "late") return { verdict: "fail", reason: "the tests did not end within their time limit" };
  const failed = report.tests.filter((test) => test.outcome === "fail").length;
  if (failed > 0) return { verdict: "fail", reason: `${failed} of ${report.tests.length} tests failed` };
  if (ending.status !== 0) return { verdict: "fail", reason: `the test runner ended with status ${ending.status}` };
  if (report.planned === undefined || report.planned !== report.tests.length) {
    return { verdict: "fail", reason: `${report.tests.length} tests reported, ${report.planned ?? "none"} planned` };
  }
  if (report.tests.length === 0) return { verdict: "fail", reason: "no test ran" };
  return { verdict: "pass" };
}

/** Exit status of the command: 1 when something failed, 3 when nothing failed but a kernel could not be fetched. */
export function exitStatus(outcome: MatrixOutcome): number {
  const verdicts = outcome.kernels.map((kernel) => kernel.verdict);
  if (verdicts.some((verdict) => verdict === "fail" || verdict === "unbooted")) return 1;
  return verdicts.includes("unavailable") ? 3 : 0;
}
