// SPDX-License-Identifier: MIT

/** A pending timer. Cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the agent sees it. Tests and replay bring their own. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** The kernel's CLOCK_MONOTONIC in ns, as `bpf_ktime_get_ns()` tells it. */
  monotonicNs(): bigint;
  /** Unix time in ns. */
  unixNs(): bigint;
  /** Calls `fn` once in `ms` milliseconds. */
  after(ms: number, fn: () => void): Timer;
  /** Calls `fn` once, after the event loop has had a turn. */
  soon(fn: () => void): Timer;
}

/**
 * Unix time with the resolution of `performance.now()`. `performance.timeOrigin` is never corrected, so the sum drifts from the
 * system clock when that is set or slewed; `Date.now()` is right but counts whole milliseconds. The sum is pulled back whenever the
 * two disagree by more than such a millisecond.
 */
let correctionMs = 0;
function preciseUnixMs(): number {
  const coarse = Date.now();
  const precise = performance.timeOrigin + performance.now() + correctionMs;
  if (precise >= coarse - 1 && precise < coarse + 2) return precise;
  correctionMs += coarse - precise;
  return coarse;
}

/** The time of this host. Its timers keep the process alive; an agent that runs is a reason to live. */
export const systemClock: Clock = {
  now: () => performance.now(),
  monotonicNs: () => process.hrtime.bigint(),
  unixNs: () => {
    const ms = preciseUnixMs();
    const whole = Math.floor(ms);
    return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1_000_000));
  },
  after: (ms, fn) => {
    const timeout = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timeout) };
  },
  soon: (fn) => {
    const immediate = setImmediate(fn);
    return { cancel: () => clearImmediate(immediate) };
  },
};
