// SPDX-License-Identifier: MIT

import type { BpfMap } from "@skep/core";
import { traceOrder } from "../codec.gen.js";

/** struct trace_order: what the kernel shall do with a connection. */
export interface Order {
  /** One of `OrderKind`. */
  readonly kind: number;
  readonly readSeq: number;
  readonly writtenSeq: number;
}

/** Gives the kernel orders. Of several for one connection in one go only the last is written: writing is a system call. */
export class Orders {
  readonly #due = new Map<number, Order>();
  readonly #key = new Uint32Array(2);
  readonly #value = new Uint32Array(traceOrder.layout.size / 4);
  #isClosed = false;

  /** @param map `trace_orders` */
  constructor(private readonly map: BpfMap) {}

  give(connection: number, order: Order): void {
    if (this.#due.size === 0) queueMicrotask(() => this.#write());
    this.#due.set(connection, order);
  }

  /** Orders nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  #write(): void {
    for (const [connection, { kind, readSeq, writtenSeq }] of this.#due) {
      if (this.#isClosed) break;
      this.#key.set([connection >>> 0, Math.floor(connection / 2 ** 32)]);
      this.#value.set([kind, readSeq, writtenSeq]);
      try {
        this.map.update(new Uint8Array(this.#key.buffer), new Uint8Array(this.#value.buffer));
      } catch {
        // No loss: the kernel goes on telling bytes.
      }
    }
    this.#due.clear();
  }
}
