// SPDX-License-Identifier: MIT

export type Outcome = "pass" | "fail" | "skip";

/** One test of one kernel. */
export interface TestResult {
  readonly title: string;
  readonly outcome: Outcome;
  /** Why it was skipped, or what failed. */
  readonly detail?: string;
  /** From the test before it to its end. */
  readonly durationMs?: number;
}

/** What a TAP stream said. `planned` is undefined when the stream was cut before its end. */
export interface TapReport {
  readonly tests: readonly TestResult[];
  readonly planned: number | undefined;
}

/** Reads the TAP that ava writes. Anything else in between is left out. */
export function parseTap(text: string): TapReport {
  const tests: TestResult[] = [];
  let planned: number | undefined;
  let diagnostic: string[] | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (diagnostic !== undefined) {
      if (line !== "  ...") diagnostic.push(line.replace(/^ {4}/, ""));
      else {
        attach(tests, diagnostic);
        diagnostic = undefined;
      }
    } else if (line === "  ---") diagnostic = [];
    else {
      const test = parseTest(line);
      if (test !== undefined) tests.push(test);
      planned = plan(line) ?? planned;
    }
  }
  if (diagnostic !== undefined) attach(tests, diagnostic);
  return { tests, planned };
}

function parseTest(line: string): TestResult | undefined {
  const [, not, rest] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
  if (rest === undefined) return undefined;
  const [, title = "", directive] = /^(.*?)(?: # (SKIP|TODO))?$/.exec(rest) ?? [];
  if (directive === "SKIP") return skipped(title);
  if (directive === "TODO") return { title, outcome: "skip", detail: "to do" };
  return { title, outcome: not === undefined ? "pass" : "fail" };
}

/** A test that lacks something says so at the end of its title: `title (skipped: no fentry)`. */
function skipped(whole: string): TestResult {
  const [, title = whole, detail] = /^(.*) \(skipped: (.*)\)$/.exec(whole) ?? [];
  return detail === undefined ? { title, outcome: "skip" } : { title, outcome: "skip", detail };
}

function plan(line: string): number | undefined {
  const last = /^1\.\.(\d+)$/.exec(line)?.[1];
  return last === undefined ? undefined : Number(last);
}

function attach(tests: TestResult[], lines: readonly string[]): void {
  const last = tests.pop();
  if (last !== undefined) tests.push({ ...last, detail: lines.join("\n").trim() });
}
