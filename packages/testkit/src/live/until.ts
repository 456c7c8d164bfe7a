// SPDX-License-Identifier: MIT

import { setTimeout } from "node:timers/promises";

/** Inside an emulated kernel (`SKEP_KERNEL` is set) everything takes its time. */
export const patience = process.env["SKEP_KERNEL"] ? 6 : 1;

export interface UntilOptions {
  /** What is waited for, for the message. */
  readonly what: string;
  /** Default 5 s; several times as long inside an emulated kernel. */
  readonly deadlineMs?: number;
  /** Between two looks. Default 10 ms. */
  readonly everyMs?: number;
}

type Truthy<T> = Exclude<T, false | 0 | "" | null | undefined>;

/**
 * Waits until `condition` gives something truthy, and resolves to it. Rejects at the deadline; a condition that throws then is
 * the cause.
 */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions): Promise<Truthy<T>> {
  const deadlineMs = (options.deadlineMs ?? 5_000) * patience;
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    let thrown: unknown;
    try {
      const found = await condition();
      if (found) return found as Truthy<T>;
    } catch (error) {
      thrown = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(
        `not within ${deadlineMs} ms: ${options.what}`,
        thrown === undefined ? undefined : { cause: thrown },
      );
    }
    await setTimeout(options.everyMs ?? 10);
  }
}

/** The part of ava's `t` that helpers use to tidy up. */
export interface Teardown {
  teardown(fn: () => void | Promise<void>): void;
}
