// SPDX-License-Identifier: MIT
import type { TestResult } from "./tap.js";

/**
 * How long each test took, by when its line arrived: TAP does not say. The time in which a file's process starts counts for the
 * file's first test.
 */
export class TestClock {
  readonly #durations: number[] = [];
  #rest = "";
  #last: number | undefined;

  /** More of the stream, at a time in milliseconds. */
  push(text: string, now: number): void {
    this.#last ??= now;
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!/^(not )?ok \d+ - /.test(line)) continue;
      this.#durations.push(Math.round(now - this.#last));
      this.#last = now;
    }
  }

  /** The same tests, with their durations. They must be all of the stream. */
  time(tests: readonly TestResult[]): TestResult[] {
    return tests.map((test, index) => ({ ...test, durationMs: this.#durations[index] ?? 0 }));
  }
}

/** A test file and the time of all its tests. */
export interface FileTime {
  readonly file: string;
  readonly durationMs: number;
}

/** Files by the time they took, slowest first. A test's title ends with its name, after the file's. */
export function fileTimes(tests: readonly TestResult[]): FileTime[] {
  const sums = new Map<string, number>();
  for (const { title, durationMs = 0 } of tests) {
    const file = title.split(" › ").slice(0, -1).join(" › ");
    sums.set(file, (sums.get(file) ?? 0) + durationMs);
  }
  return [...sums]
    .map(([file, durationMs]) => ({ file, durationMs }))
    .sort((one, other) => other.durationMs - one.durationMs);
}
