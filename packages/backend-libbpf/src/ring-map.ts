// SPDX-License-Identifier: MIT

import { SkepError, type RecordHandler, type Ring } from "@skep/core";
import type { Native } from "./ffi.js";
import { RingMapping } from "./mapping.js";
import type { MapHandle } from "./object.js";
import { Poll } from "./poll.js";
import { RingReader } from "./ring.js";

/** A ring-buffer map of a session: its memory mapped once, its descriptor polled while somebody sleeps on it. */
export class RingMap implements Ring, Disposable {
  readonly map: string;
  readonly size: number;
  readonly #mapping: RingMapping;
  readonly #reader: RingReader;
  readonly #poll: Poll;
  #closed = false;

  /** @throws SkepError `SKEP_ERR_MAP` when it cannot be mapped. */
  constructor(native: Native, handle: MapHandle) {
    this.map = handle.name;
    this.size = handle.maxEntries;
    this.#mapping = RingMapping.open(native, handle.name, handle.fd, this.size);
    this.#reader = new RingReader(this.#mapping, process.arch === "x64");
    this.#poll = new Poll(handle.fd);
  }

  pending(): number {
    return this.open().pending();
  }

  end(): number {
    return this.open().end();
  }

  hasReached(end: number): boolean {
    return this.open().hasReached(end);
  }

  drain(handler: RecordHandler, deadline: number): number {
    const reader = this.open();
    try {
      return reader.drain(handler, deadline);
    } finally {
      // A handler may have closed the session: its memory stays until the reader is out of it.
      if (this.#closed && !reader.draining) this.#mapping.close();
    }
  }

  wait(callback: () => void): void {
    this.open();
    this.#poll.once(callback);
  }

  cancelWait(): void {
    this.#poll.cancel();
  }

  /** Before the map's descriptor is closed. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    if (!this.#reader.draining) this.#mapping.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private open(): RingReader {
    if (!this.#closed) return this.#reader;
    throw new SkepError("SKEP_ERR_CLOSED", `ring ${this.map} is closed`);
  }
}
