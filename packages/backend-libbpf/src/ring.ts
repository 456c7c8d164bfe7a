// SPDX-License-Identifier: MIT

import { Cursor, type RecordHandler } from "@skep/core";

/** Bytes before each record: its length with two flags, and a page offset that only the kernel reads. */
const HEADER = 8;
const BUSY = 1 << 31;
const DISCARDED = 1 << 30;
const LENGTH = DISCARDED - 1;
/** Records between two looks at the clock: a look costs about as much as ten records. */
const RECORDS_PER_LOOK = 64;
/** A part of the ring after which its memory is given back to the kernel. */
const PUBLISH_FRACTION = 8;
/** Positions are 32-bit here and offsets span both copies of the ring. */
export const LARGEST_RING = 2 ** 30;

/**
 * The memory of a BPF ring buffer, laid out as the kernel maps it (kernel/bpf/ringbuf.c): a page with the consumer's position,
 * a page with the producer's, then the ring twice in a row, so that a record that wraps still lies in one piece.
 */
export interface RingMemory {
  readonly buffer: ArrayBuffer;
  readonly pageSize: number;
  /** Bytes of one copy of the ring; a power of two. */
  readonly size: number;
}

/**
 * Reads a ring buffer in place. Pure: it knows nothing of libbpf, and the memory may be any ArrayBuffer.
 *
 * Distances are taken in 32-bit arithmetic, which wraps as the positions do; only what is published is 64 bits wide.
 */
export class RingReader {
  readonly #consumer: BigInt64Array;
  readonly #producer: Int32Array;
  readonly #headers: Int32Array;
  readonly #cursor: Cursor;
  readonly #mask: number;
  readonly #publishEvery: number;
  /** Low half of the position up to which records were handed over. */
  #position: number;
  #draining = false;

  /**
   * @param acquireHeaders Load each header atomically. x86-64 keeps loads in order by itself; arm64 does not,
   *   and there a record's bytes must not be read before its header.
   */
  constructor(
    memory: RingMemory,
    private readonly acquireHeaders: boolean,
  ) {
    const { buffer, pageSize, size } = memory;
    this.#consumer = new BigInt64Array(buffer, 0, 1);
    this.#producer = new Int32Array(buffer, pageSize, 2);
    this.#headers = new Int32Array(buffer, 2 * pageSize, (2 * size) >> 2);
    this.#cursor = new Cursor(buffer, 2 * pageSize, 2 * size);
    this.#mask = size - 1;
    this.#publishEvery = size / PUBLISH_FRACTION;
    this.#position = Number(BigInt.asIntN(32, this.#consumer[0]!));
  }

  /** Bytes between what was read and what was written or reserved. */
  pending(): number {
    return (Atomics.load(this.#producer, 0) - this.#position) >>> 0;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** See `Ring.drain`. Inside a handler of the same ring it hands over nothing. */
  drain(handler: RecordHandler, deadline: number): number {
    if (this.#draining) return 0;
    this.#draining = true;
    try {
      return this.#drain(handler, deadline);
    } finally {
      this.#draining = false;
    }
  }

  // hot
  #drain(handler: RecordHandler, deadline: number): number {
    const headers = this.#headers;
    const cursor = this.#cursor;
    const mask = this.#mask;
    const publishEvery = this.#publishEvery;
    const acquireHeaders = this.acquireHeaders;
    let handed = 0;
    let untilLook = RECORDS_PER_LOOK;
    let position = this.#position;
    let published = position;
    // Acquires: what the producer wrote before it moved on is visible after this load.
    let end = Atomics.load(this.#producer, 0);
    try {
      for (;;) {
        if (position === end) {
          end = Atomics.load(this.#producer, 0);
          if (position === end) break;
        }
        const at = position & mask;
        const header = acquireHeaders ? Atomics.load(headers, at >> 2) : headers[at >> 2]!;
        if ((header & BUSY) !== 0) break;
        const length = header & LENGTH;
        // Moved before the handler runs, so that a record whose handler throws is not handed over again.
        position = (position + ((length + HEADER + 7) & ~7)) | 0;
        if ((header & DISCARDED) === 0) {
          handed++;
          cursor.at = at + HEADER;
          cursor.length = length;
          handler(cursor);
        }
        if (((position - published) | 0) >= publishEvery) published = this.#publish(position);
        if (--untilLook === 0) {
          if (performance.now() >= deadline) break;
          untilLook = RECORDS_PER_LOOK;
        }
      }
    } finally {
      if (position !== published) this.#publish(position);
    }
    return handed;
  }

  /** Gives the memory before `position` back to the kernel: one 64-bit store that releases what was read. */
  #publish(position: number): number {
    const advanced = (position - this.#position) | 0;
    Atomics.store(this.#consumer, 0, this.#consumer[0]! + BigInt(advanced));
    this.#position = position;
    return position;
  }
}
