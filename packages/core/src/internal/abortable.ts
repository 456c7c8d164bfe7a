// SPDX-License-Identifier: MIT

import type { Clock, Timer } from "../scheduler/clock.js";

/** Waits for `work`, but no longer than until `signal` aborts: then it rejects with the signal's reason, and what `work` does is its own affair. */
export function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Resolves after `ms` milliseconds, or when `signal` aborts. */
export function sleepUntilAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer: Timer = clock.after(ms, done);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}
