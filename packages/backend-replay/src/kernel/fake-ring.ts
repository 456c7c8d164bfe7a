// SPDX-License-Identifier: MIT

import type { RecordHandler } from "@skep/core";
import type { Lend } from "./lend.js";

/** Header of each record in a real ring, and the alignment of records, bytes. */
const RECORD_HEADER = 8;

export interface FakeRingOptions {
  /** Bytes; default 256 KiB. */
  readonly size?: number;
  /** Called for each record that found no room. */
  readonly onOverflow?: () => void;
}

/** A ring buffer as the kernel sees it: records are put in here and come out of the plugin's stream. */
export class FakeRing {
  size: number;
  #queue: Uint8Array[] = [];
  #head = 0;
  #used = 0;
  /** Records so far. */
  #handed = 0;
  #waiting: (() => void) | undefined;
  #whenEmpty: (() => void)[] = [];

  constructor(
    readonly map: string,
    private readonly lend: Lend,
    private readonly options: FakeRingOptions = {},
  ) {
    this.size = options.size ?? 256 * 1024;
  }

  /** Puts a copy of a record in. False when the ring is full: the record is lost, and counted as `ring_full`. */
  push(record: Uint8Array): boolean {
    const room = roomOf(record);
    if (this.#used + room > this.size) {
      this.options.onOverflow?.();
      return false;
    }
    this.#queue.push(Uint8Array.from(record));
    this.#used += room;
    this.#signal();
    return true;
  }

  /** Bytes waiting to be read, headers included. */
  pending(): number {
    return this.#used;
  }

  /** In records, because nobody is ever in the middle of writing one here. */
  end(): number {
    return this.#handed + this.#queue.length - this.#head;
  }

  hasReached(end: number): boolean {
    return this.#handed >= end;
  }

  drain(handler: RecordHandler, deadline: number): number {
    let records = 0;
    try {
      while (this.#head < this.#queue.length && performance.now() < deadline) {
        const record = this.#queue[this.#head++]!;
        this.#used -= roomOf(record);
        this.#handed++;
        records++;
        this.lend(record, handler);
      }
    } finally {
      if (this.#head === this.#queue.length) this.#emptied();
    }
    return records;
  }

  wait(callback: () => void): void {
    this.#waiting = callback;
    if (this.#used > 0) this.#signal();
  }

  cancelWait(): void {
    this.#waiting = undefined;
  }

  /** Calls back as soon as nothing is waiting to be read; at once when that is so. */
  whenEmpty(callback: () => void): void {
    if (this.#used === 0) callback();
    else this.#whenEmpty.push(callback);
  }

  /** Like the wake-up of a real ring it comes from outside the caller's stack, and once. */
  #signal(): void {
    const callback = this.#waiting;
    if (callback === undefined) return;
    queueMicrotask(() => {
      if (this.#waiting !== callback) return;
      this.#waiting = undefined;
      callback();
    });
  }

  #emptied(): void {
    this.#queue = [];
    this.#head = 0;
    for (const callback of this.#whenEmpty.splice(0)) callback();
  }
}

const roomOf = (record: Uint8Array): number => (record.length + RECORD_HEADER + 7) & ~7;
