// SPDX-License-Identifier: MIT
import type { KernelOutcome, MatrixOutcome } from "./outcome.js";
import type { TestResult } from "./tap.js";
import { fileTimes } from "./test-clock.js";

const cellOf = { pass: "pass", skip: "skip", fail: "FAIL" } as const;
const verdictText = { pass: "pass", fail: "FAIL", unbooted: "NO BOOT", unavailable: "not available" } as const;

/** One line of the matrix: a test, or the kernel's verdict. */
export interface Row {
  readonly title: string;
  readonly cells: readonly string[];
}

/** Tests by kernels, in the order in which they were first seen, and a last row with the verdicts. */
export function matrixRows(kernels: readonly KernelOutcome[]): Row[] {
  const titles = [...new Set(kernels.flatMap((kernel) => kernel.tests.map((test) => test.title)))];
  const columns = kernels.map((kernel) => new Map(kernel.tests.map((test) => [test.title, cellOf[test.outcome]])));
  const rows = titles.map((title) => ({ title, cells: columns.map((column) => column.get(title) ?? "-") }));
  return [...rows, { title: "kernel", cells: kernels.map((kernel) => verdictText[kernel.verdict]) }];
}

/** The matrix as text, with the reasons of skips and failures below it. */
export function renderText(outcome: MatrixOutcome): string {
  const head: Row = { title: "test", cells: outcome.kernels.map((kernel) => kernel.label) };
  const rows = [head, ...matrixRows(outcome.kernels)];
  const titleWidth = Math.max(...rows.map((row) => row.title.length));
  const widths = outcome.kernels.map((_, column) => Math.max(...rows.map((row) => row.cells[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    [row.title.padEnd(titleWidth), ...row.cells.map((cell, column) => cell.padEnd(widths[column] ?? 0))]
      .join("  ")
      .trimEnd(),
  );
  return [...lines, "", ...outcome.kernels.flatMap(notes), "", closingLine(outcome.kernels)].join("\n");
}

/** `kernels: N passed, N failed, N skipped`. A kernel that failed without a failed test, or could not be had, counts as one. */
export function closingLine(kernels: readonly KernelOutcome[]): string {
  const tests = kernels.flatMap((kernel) => kernel.tests);
  const count = (outcome: TestResult["outcome"]) => tests.filter((test) => test.outcome === outcome).length;
  const untold = kernels.filter((kernel) => kernel.verdict !== "pass" && !kernel.tests.some(isFailure)).length;
  return `kernels: ${count("pass")} passed, ${count("fail") + untold} failed, ${count("skip")} skipped`;
}

/** The matrix as a Markdown table, for a job summary. */
export function renderMarkdown(outcome: MatrixOutcome): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const { kernels } = outcome;
  const table = [
    line(["test", ...kernels.map((kernel) => kernel.label)]),
    line(["---", ...kernels.map(() => "---")]),
    ...matrixRows(kernels).map((row) => line([row.title, ...row.cells])),
  ];
  return [...table, "", ...kernels.flatMap(notes).map((note) => `* ${note.replaceAll("\n", "\n  ")}`), ""].join("\n");
}

function notes(kernel: KernelOutcome): string[] {
  return [
    `${kernel.label}: ${summary(kernel)}`,
    ...slowest(kernel),
    ...skips(kernel),
    ...kernel.tests.filter(isFailure).map((test) => failure(kernel, test)),
  ];
}

function summary(kernel: KernelOutcome): string {
  const count = (outcome: TestResult["outcome"]) => kernel.tests.filter((test) => test.outcome === outcome).length;
  const counts = `${count("pass")} passed, ${count("fail")} failed, ${count("skip")} skipped`;
  return [
    `${verdictText[kernel.verdict]}${kernel.reason === undefined ? "" : ` (${kernel.reason})`}`,
    ...(kernel.verdict === "unavailable" ? [] : [counts, `${Math.round(kernel.durationMs / 1000)} s`]),
    ...(kernel.release === undefined ? [] : [`linux ${kernel.release}, package ${kernel.version}`]),
    ...(kernel.attempts > 1 ? [`${kernel.attempts} attempts`] : []),
    ...(kernel.logs === undefined ? [] : [`logs in ${kernel.logs}`]),
  ].join("; ");
}

/** Where the time of a run goes: the five files that took most of it. */
function slowest(kernel: KernelOutcome): string[] {
  const files = fileTimes(kernel.tests).filter(({ durationMs }) => durationMs >= 1000);
  const named = files.slice(0, 5).map(({ file, durationMs }) => `${file} ${Math.round(durationMs / 1000)} s`);
  return named.length === 0 ? [] : [`${kernel.label} slowest files: ${named.join("; ")}`];
}

/** Skips of one kernel by reason, so that a missing capability is one line, not one for each test. */
function skips(kernel: KernelOutcome): string[] {
  const titles = new Map<string, string[]>();
  for (const test of kernel.tests.filter(({ outcome }) => outcome === "skip")) {
    const reason = test.detail ?? "no reason given";
    titles.set(reason, [...(titles.get(reason) ?? []), test.title]);
  }
  return [...titles].map(([reason, skipped]) => `${kernel.label} skip, ${reason}: ${skipped.join("; ")}`);
}

function isFailure(test: TestResult): boolean {
  return test.outcome === "fail";
}

function failure(kernel: KernelOutcome, test: TestResult): string {
  const detail = (test.detail ?? "").split("\n").filter(Boolean);
  return [`${kernel.label} FAIL ${test.title}`, ...detail.map((line) => `    ${line}`)].join("\n");
}
