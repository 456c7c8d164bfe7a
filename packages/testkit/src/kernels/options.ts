// SPDX-License-Identifier: MIT
import type { KernelSeries } from "./catalog.js";
import type { Deadlines } from "./machine.js";

/** Options as commander gives them. */
export interface Options {
  readonly kernel: readonly KernelSeries[];
  readonly jobs: number;
  readonly append: string;
  /** Seconds. */
  readonly bootTimeout: number;
  readonly timeout: number;
  /** Titles of the tests to run, `*` for anything. */
  readonly match?: string;
  readonly run?: string;
  readonly shell?: true;
  readonly json?: string;
  readonly markdown?: string;
}

/** The options' time limits. */
export function deadlinesOf(options: Pick<Options, "timeout" | "bootTimeout">): Deadlines {
  return { bootMs: options.bootTimeout * 1000, jobMs: options.timeout * 1000 };
}
