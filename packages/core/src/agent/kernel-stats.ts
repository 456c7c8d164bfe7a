// SPDX-License-Identifier: MIT

import type { Session } from "../backend.js";
import type { Ledger } from "./ledger.js";

/**
 * Indices of the per-CPU array `skep_stats` (u64 values) that a BPF object may have: what the kernel side had to drop.
 * Core reads it at each flush and counts the difference as observed and dropped. An `_unused` index is reserved.
 */
export const kernelStats = [
  "ring_full",
  "map_full",
  "truncated",
  "unreadable",
  "out_of_scope_unused",
  "unbound",
] as const;

/** Reads one session's `skep_stats` and books what is new. A new session counts from zero, so each needs its own reader. */
export class KernelStatsReader {
  readonly #booked: number[] = kernelStats.map(() => 0);

  constructor(
    private readonly session: Session,
    private readonly ledger: Ledger,
  ) {}

  read(): void {
    if (!this.session.hasMap("skep_stats")) return;
    const map = this.session.map("skep_stats");
    const key = new Uint8Array(4);
    for (const [index, reason] of kernelStats.entries()) {
      if (reason.endsWith("_unused") || index >= map.maxEntries) continue;
      new DataView(key.buffer).setUint32(0, index, true);
      const total = sumOfCpus(map.lookup(key));
      this.ledger.lose(reason, total - this.#booked[index]!);
      this.#booked[index] = total;
    }
  }
}

function sumOfCpus(values: Uint8Array | undefined): number {
  if (values === undefined) return 0;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let sum = 0;
  for (let at = 0; at + 8 <= view.byteLength; at += 8) {
    sum += view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  }
  return sum;
}
