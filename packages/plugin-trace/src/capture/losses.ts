// SPDX-License-Identifier: MIT

import { type BpfMap, kernelStats } from "@skep/core";

const KEYS = ["ring_full", "map_full", "unreadable"].map((name) =>
  Uint8Array.of(kernelStats.indexOf(name as (typeof kernelStats)[number]), 0, 0, 0),
);

/** Whether the kernel had to drop records. Core accounts for them; here it matters that something was not seen. */
export class Losses {
  #seen = 0;

  /** @param map `skep_stats` */
  constructor(private readonly map: BpfMap) {}

  /** True when there were some since it was asked last. */
  check(): boolean {
    const before = this.#seen;
    this.#seen = KEYS.reduce((total, key) => total + sumOf(this.map.lookup(key)), 0);
    return this.#seen > before;
  }
}

/** Of the counters of all CPUs; they are far from 2^32. */
function sumOf(values: Uint8Array | undefined): number {
  if (values === undefined) return 0;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let sum = 0;
  for (let at = 0; at + 8 <= view.byteLength; at += 8) sum += view.getUint32(at, true);
  return sum;
}
