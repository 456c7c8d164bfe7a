// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync } from "node:fs";
import { loadLibc } from "./ffi.js";

/** `_LINUX_CAPABILITY_VERSION_3` of <linux/capability.h>: two words each. */
const VERSION = 0x20080522;
/** `PR_CAPBSET_DROP` of <linux/prctl.h>. */
const DROP_FROM_BOUNDING_SET = 24;
/** Calls at once, so that each thread of libuv's pool (4 by default) gets some; and how often that is tried. */
const FLOOD = 32;
const ATTEMPTS = 20;

interface Sets {
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
}

/**
 * Gives up capabilities for good, in the thread that runs JavaScript and in libuv's pool, which make every system call that a
 * program in JavaScript asks for; and in every process started from now on. Capabilities belong to threads: those of V8, which
 * compile and collect garbage, keep theirs. Resolves to the set that is left, one bit for each capability.
 * @param keep one bit for each capability to keep; what is not there is not added
 * @throws Error when the kernel refuses
 */
export async function giveUpCapabilities(keep: bigint): Promise<bigint> {
  const { libc, errno, capsetInPool } = loadLibc();
  const { permitted, effective, bounding } = setsOf("self");
  if ((permitted & ~keep) === 0n) return permitted;
  for (let bit = 0; bounding >> BigInt(bit) !== 0n; bit++) {
    // Without CAP_SETPCAP it cannot be done, and then a child can have no more than an exec gives it.
    if (((keep >> BigInt(bit)) & 1n) === 0n) libc.prctl(DROP_FROM_BOUNDING_SET, bit, 0, 0, 0);
  }
  const call = [header(), words(effective & keep, permitted & keep)] as const;
  if (libc.capset(...call) !== 0) throw new Error(`capset: errno ${errno()}`);
  const threads = () => readdirSync("/proc/self/task").map((id) => ({ id, ...setsOf(`self/task/${id}`) }));
  const before = threads().filter((thread) => (thread.permitted & ~keep) !== 0n).length;
  for (let attempt = 0, left = before; attempt < ATTEMPTS; attempt++) {
    await Promise.all(Array.from({ length: FLOOD }, () => capsetInPool(...call)));
    const now = threads().filter((thread) => (thread.permitted & ~keep) !== 0n).length;
    if (now === left && attempt > 2) break; // those that never take a call
    left = now;
  }
  return permitted & keep;
}

function setsOf(process: string): Sets {
  const status = readFileSync(`/proc/${process}/status`, "utf8");
  const set = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0"}`);
  return { permitted: set("CapPrm"), effective: set("CapEff"), bounding: set("CapBnd") };
}

const header = (): Uint8Array => new Uint8Array(Uint32Array.of(VERSION, 0).buffer);

/** struct __user_cap_data_struct[2]: effective, permitted, inheritable; low words, then high ones. */
function words(effective: bigint, permitted: bigint): Uint8Array {
  const half = (set: bigint, shift: bigint) => Number((set >> shift) & 0xffffffffn);
  const sets = [0n, 32n].flatMap((shift) => [half(effective, shift), half(permitted, shift), 0]);
  return new Uint8Array(Uint32Array.from(sets).buffer);
}
