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
