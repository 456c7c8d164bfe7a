// SPDX-License-Identifier: MIT

import type { BpfMap } from "@skep/core";
import { httpOrder } from "../../http-codec.gen.js";

/** struct http_order: what the kernel shall do with a connection it streams. */
export interface Order {
  /** One of `OrderKind`. */
  readonly kind: number;
  readonly readSeq: number;
  readonly writtenSeq: number;
}

const KEY_WORDS = 2;

/**
 * Gives the kernel orders. Of several for one connection that are given in one go only the last is written: it is the one
 * that counts, and writing is a system call.
 */
export class Orders {
  /** Connection -> its order; undefined: none any more. */
  readonly #due = new Map<number, Order | undefined>();
  readonly #key = new Uint32Array(KEY_WORDS);
  readonly #value = new Uint32Array(httpOrder.layout.size / 4);
  #isClosed = false;

  /** @param map `http_orders` */
  constructor(private readonly map: BpfMap) {}

  give(connection: number, order: Order | undefined): void {
    if (this.#due.size === 0) queueMicrotask(() => this.#write());
    this.#due.set(connection, order);
  }

  /** Whether the kernel has done what it was last told to do and then to forget. */
  isDone(connection: number): boolean {
    return !this.#due.has(connection) && this.map.lookup(this.#keyOf(connection)) === undefined;
  }

  /** Orders nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  #write(): void {
    for (const [connection, order] of this.#due) {
      if (!this.#isClosed) this.#writeOne(connection, order);
    }
    this.#due.clear();
  }

  /** An order that finds no room is no loss: the kernel goes on to stream. */
  #writeOne(connection: number, order: Order | undefined): void {
    try {
      if (order === undefined) {
        this.map.delete(this.#keyOf(connection));
        return;
      }
      this.#value[0] = order.kind;
      this.#value[1] = order.readSeq;
      this.#value[2] = order.writtenSeq;
      this.map.update(this.#keyOf(connection), new Uint8Array(this.#value.buffer));
    } catch {
      // Full, or closed under our hands.
    }
  }

  #keyOf(connection: number): Uint8Array {
    this.#key[0] = connection >>> 0;
    this.#key[1] = Math.floor(connection / 2 ** 32);
    return new Uint8Array(this.#key.buffer);
  }
}
