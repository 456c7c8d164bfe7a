// SPDX-License-Identifier: MIT

import { KeyTable, widened } from "../key-table.js";

/** Where each part of a bucket's key lies, in 32-bit words. */
export const DnsKey = {
  /** Four words, see netflow/addresses.ts. */
  srcAddr: 0,
  dstAddr: 4,
  /** 53, or 0 for any other (`*`). */
  srcPort: 8,
  dstPort: 9,
  pid: 10,
  transport: 11,
  direction: 12,
  /** As a signed number. */
  rcode: 13,
  /** Numbers of an {@link Interner}. */
  processName: 14,
  questionName: 15,
  /** 0 when questions are not told apart. */
  questionType: 16,
} as const;

const KEY_WORDS = 17;

/** The exchanges of the interval by who, with whom and how it ended. Index 0 means "none"; buckets are 1..size. */
export class DnsTable extends KeyTable {
  count = new Float64Array(this.capacity);
  latencySumNs = new Float64Array(this.capacity);
  latencyMaxNs = new Float64Array(this.capacity);

  constructor() {
    super(KEY_WORDS);
  }

  /** The bucket with {@link key}; a new one starts at zero. */
  // hot
  override upsert(): number {
    const index = super.upsert();
    if (this.capacity > this.count.length) this.#widen();
    return index;
  }

  #widen(): void {
    const { capacity } = this;
    this.count = widened(this.count, capacity);
    this.latencySumNs = widened(this.latencySumNs, capacity);
    this.latencyMaxNs = widened(this.latencyMaxNs, capacity);
  }
}
