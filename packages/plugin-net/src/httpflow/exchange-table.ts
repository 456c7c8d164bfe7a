// SPDX-License-Identifier: MIT

import { KeyTable, widened } from "../key-table.js";

/** Where each part of a bucket's key lies. */
export const ExchangeKey = {
  /** Who talks with whom: a number of {@link Parties}. */
  party: 0,
  /** A number of {@link RequestLines}. */
  line: 1,
  /** Status code; 0 without response. */
  status: 2,
} as const;

const KEY_WORDS = 3;

/** The exchanges of the interval by party, request line and status. Index 0 means "none"; buckets are 1..size. */
export class ExchangeTable extends KeyTable {
  count = new Float64Array(this.capacity);
  requestBytes = new Float64Array(this.capacity);
  responseBytes = new Float64Array(this.capacity);
  latencySumNs = new Float64Array(this.capacity);
  /** Exchanges that have a latency. */
  responded = new Float64Array(this.capacity);

  /** @param expected buckets there is room for from the start */
  constructor(expected = 0) {
    super(KEY_WORDS, expected);
  }

  /** The bucket with {@link key}; a new one starts at zero. */
  // hot
  override upsert(): number {
    const index = super.upsert();
    if (this.capacity > this.count.length) this.#widen();
    return index;
  }

  /** Adds exchanges to a bucket. @param responded how many of them `latencySumNs` is the sum of */
  // hot
  add(
    bucket: number,
    count: number,
    requestBytes: number,
    responseBytes: number,
    latencySumNs: number,
    responded: number,
  ): void {
    this.count[bucket]! += count;
    this.requestBytes[bucket]! += requestBytes;
    this.responseBytes[bucket]! += responseBytes;
    this.latencySumNs[bucket]! += latencySumNs;
    this.responded[bucket]! += responded;
  }

  #widen(): void {
    const { capacity } = this;
    this.count = widened(this.count, capacity);
    this.requestBytes = widened(this.requestBytes, capacity);
    this.responseBytes = widened(this.responseBytes, capacity);
    this.latencySumNs = widened(this.latencySumNs, capacity);
    this.responded = widened(this.responded, capacity);
  }
}
