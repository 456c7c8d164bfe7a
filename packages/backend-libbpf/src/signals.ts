// SPDX-License-Identifier: MIT

import type { Native } from "./ffi.js";

/** sizeof(sigset_t) in glibc and musl. */
const SIGNAL_SET = 128;
/** SIG_SETMASK of Linux on x86-64 and arm64. */
const REPLACE = 2;

/**
 * Runs a synchronous operation while this thread's signals wait; they arrive right after it.
 *
 * The verifier gives up with EAGAIN when a signal is pending (https://git.kernel.org/linus/c3494801cd17). libbpf then starts
 * over, five times: under a profiler that asks a thousand times a second a large program never gets through, and libbpf takes
 * its own failed feature probes for what the kernel cannot do, for the life of the process.
 */
export function withSignalsHeld<T>({ libc }: Native, operation: () => T): T {
  const all = new Uint8Array(SIGNAL_SET);
  const before = new Uint8Array(SIGNAL_SET);
  // The C library leaves out those it needs itself.
  libc.sigfillset(all);
  libc.pthread_sigmask(REPLACE, all, before);
  try {
    return operation();
  } finally {
    libc.pthread_sigmask(REPLACE, before, null);
  }
}
