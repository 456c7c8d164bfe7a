// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import type { Clock } from "../scheduler/clock.js";

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  readonly plugin: string;
  readonly phase: string;
  /** Gives up early; rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** True when `promise` settled within `ms`; false when the time passed first. Never rejects. */
export async function settlesWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(Math.max(0, ms), () => resolve(false));
    const settled = () => {
      timer.cancel();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

/**
 * Runs `work` but waits no longer than `ms`. JavaScript cannot stop work that goes on after that: whoever calls this must not
 * care any more about what it does. What it still brings is handed to `late`, to be disposed of.
 * @throws SkepError `SKEP_ERR_PLUGIN_TIMEOUT` naming plugin and phase.
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  work: () => T | Promise<T>,
  late: (result: T) => void = () => {},
): Promise<T> {
  const { clock, ms, plugin, phase, signal } = options;
  signal?.throwIfAborted();
  const result = work();
  if (!isThenable(result)) return result;
  let givenUp = false;
  return new Promise<T>((resolve, giveUp) => {
    const reject = (error: Error) => {
      givenUp = true;
      giveUp(error);
    };
    const onAbort = () => reject(signal?.reason as Error);
    const timer = clock.after(ms, () =>
      reject(
        new SkepError("SKEP_ERR_PLUGIN_TIMEOUT", `plugin ${plugin} did not finish ${phase} within ${ms} ms`, {
          plugin,
          phase,
          hint: "the promise it returned is still open: look for an await that never ends, or raise the limit",
        }),
      ),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    const settled = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    result.then(
      (value) => {
        settled();
        if (givenUp) late(value);
        else resolve(value);
      },
      (error: Error) => {
        settled();
        giveUp(error);
      },
    );
  });
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === "function";
}
