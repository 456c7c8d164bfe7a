// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";

/** What tells one piece of work in one process from every other, on any host, before and after restarts. */
export interface ThreadWork {
  /** `/proc/sys/kernel/random/boot_id`: the host and its boot. */
  readonly bootId: string;
  readonly pid: number;
  /** Kernel thread or goroutine. */
  readonly thread: number | bigint;
  /** CLOCK_MONOTONIC of the request that began the work, ns. */
  readonly ktime: bigint;
  /** Distinguishes requests of one thread at the same nanosecond, such as two streams of one HTTP/2 connection. */
  readonly sequence?: number;
}

/** A `thread_trace_id`: 63 bits of a hash, never 0, so that agents need neither random numbers nor each other. */
export function threadTraceId({ bootId, pid, thread, ktime, sequence = 0 }: ThreadWork): bigint {
  const digest = createHash("sha256").update(`${bootId}|${pid}|${thread}|${ktime}|${sequence}`).digest();
  return BigInt.asUintN(63, digest.readBigUInt64LE()) || 1n;
}
