// SPDX-License-Identifier: MIT

import { KeyTable, widened } from "../key-table.js";

/** Where each part of a flow's key lies, in 32-bit words. */
export const FlowKey = {
  /** Four words, see addresses.ts. */
  srcAddr: 0,
  dstAddr: 4,
  /** Host order; 0 means any (`*`). */
  srcPort: 8,
  dstPort: 9,
  pid: 10,
  netns: 11,
  transport: 12,
  direction: 13,
  /** Numbers of an {@link Interner}. */
  processName: 14,
  nat: 15,
} as const;

const KEY_WORDS = 16;

/** What was moved in this interval, by flow. Index 0 means "none"; flows are 1..size in order of arrival. */
export class FlowTable extends KeyTable {
  bytesRead = new Float64Array(this.capacity);
  bytesWritten = new Float64Array(this.capacity);
  retransmits = new Float64Array(this.capacity);
  established = new Float64Array(this.capacity);
  closed = new Float64Array(this.capacity);
  rttSum = new Float64Array(this.capacity);
  rttVarSum = new Float64Array(this.capacity);
  /** Connections that have a round trip time. */
  rttCount = new Float64Array(this.capacity);

  constructor() {
    super(KEY_WORDS);
  }

  /** The index of the flow with {@link key}; a new one starts at zero. */
  // hot
  override upsert(): number {
    const index = super.upsert();
    if (this.capacity > this.bytesRead.length) this.#widen();
    return index;
  }

  #widen(): void {
    const { capacity } = this;
    this.bytesRead = widened(this.bytesRead, capacity);
    this.bytesWritten = widened(this.bytesWritten, capacity);
    this.retransmits = widened(this.retransmits, capacity);
    this.established = widened(this.established, capacity);
    this.closed = widened(this.closed, capacity);
    this.rttSum = widened(this.rttSum, capacity);
    this.rttVarSum = widened(this.rttVarSum, capacity);
    this.rttCount = widened(this.rttCount, capacity);
  }
}
