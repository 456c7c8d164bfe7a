// SPDX-License-Identifier: MIT
import type { Options } from "../command-line.js";
import type { Deadlines } from "../machine.js";

/** Progress goes to stderr: stdout is the result's. */
export function tell(line: string): void {
  console.error(line);
}

export function deadlinesOf(options: Pick<Options, "timeout" | "bootTimeout">): Deadlines {
  return { bootMs: options.bootTimeout * 1000, jobMs: options.timeout * 1000 };
}
