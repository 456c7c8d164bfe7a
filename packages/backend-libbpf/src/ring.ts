// SPDX-License-Identifier: MIT

import { Cursor, type RecordHandler } from "@skep/core";

/** Bytes before each record: its length with two flags, and a page offset that only the kernel reads. */
const HEADER = 8;
const BUSY = 1 << 31;
const DISCARDED = 1 << 30;
const LENGTH = DISCARDED - 1;
const FLAGS = BUSY | DISCARDED;
/**
 * Bytes between two looks at the clock, to begin with. A look costs as much as twenty records, and a handler may take
 * nanoseconds or milliseconds: so the stretch is doubled or halved until it takes about this many milliseconds.
 */
const FIRST_STRETCH = 16 * 1024;
const SHORTEST_STRETCH = 1024;
const STRETCH_MS = 0.5;
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

type LoadHeader = (headers: Int32Array, index: number) => number;
/** x86-64 keeps loads in order by itself. */
const plainLoad: LoadHeader = (headers, index) => headers[index]!;
/** Elsewhere a record's bytes could be read before the header that says they are there. */
const acquiringLoad: LoadHeader = (headers, index) => Atomics.load(headers, index);

/** Position of the record after one of `length` bytes at `position`. */
const after = (position: number, length: number): number => (position + ((length + HEADER + 7) & ~7)) | 0;

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
  readonly #loadHeader: LoadHeader;
  readonly #mask: number;
  readonly #publishEvery: number;
  #stretch: number;
  /** Low half of the position up to which records were handed over. */
  #position: number;
  /** The same as the kernel was told last. */
  #published: number;
  #draining = false;

  /** @param ordered This processor does not read ahead of earlier reads: true for x86-64. */
  constructor(memory: RingMemory, ordered: boolean) {
    const { buffer, pageSize, size } = memory;
    this.#consumer = new BigInt64Array(buffer, 0, 1);
    this.#producer = new Int32Array(buffer, pageSize, 2);
    this.#headers = new Int32Array(buffer, 2 * pageSize, (2 * size) >> 2);
    this.#cursor = new Cursor(buffer, 2 * pageSize, 2 * size);
    // A function and not a flag: the engine inlines the one in use, and a call in the loop costs even when it is not made.
    this.#loadHeader = ordered ? plainLoad : acquiringLoad;
    this.#mask = size - 1;
    this.#publishEvery = size / PUBLISH_FRACTION;
    this.#stretch = Math.min(FIRST_STRETCH, this.#publishEvery);
    this.#position = this.#published = Number(BigInt.asIntN(32, this.#consumer[0]!));
  }

  /** Bytes between what was read and what was written or reserved. */
  pending(): number {
    return (Atomics.load(this.#producer, 0) - this.#position) >>> 0;
  }

  /** See `Ring.end`. */
  end(): number {
    return Atomics.load(this.#producer, 0);
  }

  /** See `Ring.hasReached`. */
  hasReached(end: number): boolean {
    return ((this.#position - end) | 0) >= 0;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** See `Ring.drain`. Inside a handler of the same ring it hands over nothing. */
  drain(handler: RecordHandler, deadline: number): number {
    if (this.#draining) return 0;
    this.#draining = true;
    let handed = 0;
    let now = performance.now();
    try {
      do {
        // Acquires: what the producer wrote before it moved on is visible after this load.
        const waiting = (Atomics.load(this.#producer, 0) - this.#position) >>> 0;
        if (waiting === 0) break;
        const stop = (this.#position + Math.min(waiting, this.#stretch)) | 0;
        handed += this.#handOver(handler, stop);
        if (((stop - this.#position) | 0) > 0) break; // the next record is still being written
        if (((this.#position - this.#published) | 0) >= this.#publishEvery) this.#publish();
        const began = now;
        now = performance.now();
        if (waiting >= this.#stretch) this.#adapt(now - began);
      } while (now < deadline);
    } finally {
      this.#publish();
      this.#draining = false;
    }
    return handed;
  }

  #adapt(ms: number): void {
    if (ms > STRETCH_MS) this.#stretch = Math.max(this.#stretch / 2, SHORTEST_STRETCH);
    else if (ms < STRETCH_MS / 4) this.#stretch = Math.min(this.#stretch * 2, this.#publishEvery);
  }

  /** Hands over the records that begin before `stop`, up to one that is busy. Moves the position past them. */
  // hot
  #handOver(handler: RecordHandler, stop: number): number {
    const headers = this.#headers;
    const cursor = this.#cursor;
    const mask = this.#mask;
    const loadHeader = this.#loadHeader;
    let handed = 0;
    let position = this.#position;
    try {
      while (((stop - position) | 0) > 0) {
        const at = position & mask;
        const header = loadHeader(headers, at >> 2);
        if ((header & FLAGS) !== 0) {
          if ((header & BUSY) !== 0) break;
          position = after(position, header & LENGTH);
          continue;
        }
        // Moved before the handler runs, so that a record whose handler throws is not handed over again.
        position = after(position, header);
        handed++;
        cursor.at = at + HEADER;
        cursor.length = header;
        handler(cursor);
      }
    } finally {
      this.#position = position;
    }
    return handed;
  }

  /** Gives the memory of what was read back to the kernel: one 64-bit store that releases it. */
  #publish(): void {
    const advanced = (this.#position - this.#published) | 0;
    if (advanced === 0) return;
    Atomics.store(this.#consumer, 0, this.#consumer[0]! + BigInt(advanced));
    this.#published = this.#position;
  }
}
