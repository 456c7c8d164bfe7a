// SPDX-License-Identifier: MIT

import type { RingMemory } from "../../../src/ring.js";

const HEADER = 8;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

/** The kernel's side of a ring buffer on plain memory, as kernel/bpf/ringbuf.c keeps it. */
export class FabricatedRing implements RingMemory {
  readonly buffer: ArrayBuffer;
  readonly pageSize = 4096;
  readonly #view: DataView;
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;

  /** @param start Position of both sides at the beginning. */
  constructor(
    readonly size: number,
    start = 0n,
  ) {
    this.buffer = new ArrayBuffer(2 * this.pageSize + 2 * size);
    this.#view = new DataView(this.buffer, 2 * this.pageSize);
    this.#consumer = new BigInt64Array(this.buffer, 0, 1);
    this.#producer = new BigInt64Array(this.buffer, this.pageSize, 1);
    this.#consumer[0] = start;
    this.#producer[0] = start;
  }

  get consumed(): bigint {
    return this.#consumer[0]!;
  }

  /** Reserves a busy record filled with `byte`; undefined when the ring is full. The result commits or discards it. */
  reserve(length: number, byte: number): { submit(): void; discard(): void } | undefined {
    const total = (length + HEADER + 7) & ~7;
    const position = this.#producer[0]!;
    if (position + BigInt(total) - this.#consumer[0]! > BigInt(this.size)) return undefined;
    const at = Number(position & BigInt(this.size - 1));
    this.#setHeader(at, length | BUSY);
    for (let index = 0; index < length; index++) this.#set8(at + HEADER + index, byte);
    this.#producer[0] = position + BigInt(total);
    return {
      submit: () => this.#setHeader(at, length),
      discard: () => this.#setHeader(at, length | DISCARDED),
    };
  }

  write(length: number, byte: number): boolean {
    const record = this.reserve(length, byte);
    record?.submit();
    return record !== undefined;
  }

  #setHeader(at: number, value: number): void {
    for (let index = 0; index < 4; index++) this.#set8(at + index, (value >>> (8 * index)) & 0xff);
  }

  /** The ring is mapped twice in a row: what is written shows in both copies. */
  #set8(at: number, value: number): void {
    const within = at % this.size;
    this.#view.setUint8(within, value);
    this.#view.setUint8(within + this.size, value);
  }
}
