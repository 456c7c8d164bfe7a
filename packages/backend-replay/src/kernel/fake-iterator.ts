// SPDX-License-Identifier: MIT

import { type BpfIterator, type RecordHandler, SkepError } from "@skep/core";
import type { Lend } from "./lend.js";
import { Turnstile } from "./turnstile.js";

/** What one read gives: records, or whatever it throws. */
export type IteratorRead = readonly Uint8Array[] | Error;

/** What an iterator program will say when it is read. */
export class FakeIterator {
  #always: () => IteratorRead = () => [];
  readonly #next: IteratorRead[] = [];
  /** How often it was read. */
  reads = 0;
  /** Where a read waits until its time has come. */
  readonly turnstile = new Turnstile();

  constructor(
    private readonly program: string,
    private readonly lend: Lend,
  ) {}

  /** Every read that nothing else was said for gives these records. */
  returns(records: IteratorRead | (() => IteratorRead)): this {
    this.#always = typeof records === "function" ? records : () => records;
    return this;
  }

  /** One read gives these records; several calls: one read after another. */
  returnsOnce(records: IteratorRead): this {
    this.#next.push(records);
    return this;
  }

  read(recordSize: number, handler: RecordHandler): number {
    this.reads++;
    const records = this.#next.shift() ?? this.#always();
    if (records instanceof Error) throw records;
    if (!Number.isInteger(recordSize) || recordSize < 4 || recordSize % 4 !== 0) {
      throw this.#failure(`records of ${recordSize} bytes: expected a multiple of 4`);
    }
    let count = 0;
    for (const record of records) {
      if (record.length !== recordSize) {
        throw this.#failure(`the stream ends inside a record: ${record.length} bytes instead of ${recordSize}`);
      }
      this.lend(record, handler);
      count++;
    }
    return count;
  }

  #failure(what: string): SkepError {
    return new SkepError("SKEP_ERR_ITERATOR", `iterator ${this.program}: ${what}`);
  }
}

/** A session's handle on an iterator. */
export function iteratorHandle(iterator: FakeIterator, requireOpen: () => void): BpfIterator {
  let closed = false;
  return {
    async read(recordSize, handler) {
      requireOpen();
      if (closed) throw new SkepError("SKEP_ERR_CLOSED", "an iterator was read after it was closed");
      await iterator.turnstile.pass();
      return iterator.read(recordSize, handler);
    },
    close: () => void (closed = true),
  };
}
