// SPDX-License-Identifier: MIT

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

const EMPTY = 0;
const SMALLEST = 256;

/**
 * What was moved in this interval, by flow: an open-addressing hash table over typed arrays, because it is asked once
 * for each connection and interval and must not allocate. Index 0 means "none"; flows are 1..size in order of arrival.
 */
export class FlowTable {
  /** Put the key here, then call {@link upsert}. */
  readonly key = new Uint32Array(KEY_WORDS);
  size = 0;

  keys!: Uint32Array;
  bytesRead!: Float64Array;
  bytesWritten!: Float64Array;
  retransmits!: Float64Array;
  established!: Float64Array;
  closed!: Float64Array;
  rttSum!: Float64Array;
  rttVarSum!: Float64Array;
  /** Connections that have a round trip time. */
  rttCount!: Float64Array;
  #slots!: Uint32Array;

  constructor() {
    this.#allocate(SMALLEST);
  }

  /** One part of the key of flow `index`, see {@link FlowKey}. */
  part(index: number, word: number): number {
    return this.keys[index * KEY_WORDS + word]!;
  }

  /** Where the key of flow `index` begins in {@link keys}. */
  keyAt(index: number): number {
    return index * KEY_WORDS;
  }

  /** The index of the flow with {@link key}; a new one starts at zero. */
  // hot
  upsert(): number {
    const { key, keys } = this;
    const mask = this.#slots.length - 1;
    for (let slot = hash(key, 0) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]!;
      if (index === EMPTY) return this.#insert(slot);
      if (equal(keys, index * KEY_WORDS, key)) return index;
    }
  }

  #insert(slot: number): number {
    if (this.size + 1 >= this.#slots.length >> 1) {
      this.#grow();
      return this.upsert();
    }
    const index = ++this.size;
    this.#slots[slot] = index;
    this.keys.set(this.key, index * KEY_WORDS);
    return index;
  }

  #grow(): void {
    const columns = this.#columns();
    const { size, keys } = this;
    this.#allocate(this.#slots.length);
    this.keys.set(keys);
    this.#columns().forEach((column, at) => column.set(columns[at]!));
    this.size = size;
    const mask = this.#slots.length - 1;
    for (let index = 1; index <= size; index++) {
      let slot = hash(keys, index * KEY_WORDS) & mask;
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      this.#slots[slot] = index;
    }
  }

  #columns(): Float64Array[] {
    const { bytesRead, bytesWritten, retransmits, established, closed, rttSum, rttVarSum, rttCount } = this;
    return [bytesRead, bytesWritten, retransmits, established, closed, rttSum, rttVarSum, rttCount];
  }

  #allocate(capacity: number): void {
    this.size = 0;
    this.keys = new Uint32Array(capacity * KEY_WORDS);
    this.bytesRead = new Float64Array(capacity);
    this.bytesWritten = new Float64Array(capacity);
    this.retransmits = new Float64Array(capacity);
    this.established = new Float64Array(capacity);
    this.closed = new Float64Array(capacity);
    this.rttSum = new Float64Array(capacity);
    this.rttVarSum = new Float64Array(capacity);
    this.rttCount = new Float64Array(capacity);
    this.#slots = new Uint32Array(capacity * 2);
  }
}

function hash(words: Uint32Array, at: number): number {
  let mixed = 0;
  for (let word = at; word < at + KEY_WORDS; word++) {
    mixed = Math.imul(mixed ^ words[word]!, 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}

function equal(keys: Uint32Array, at: number, key: Uint32Array): boolean {
  for (let word = 0; word < KEY_WORDS; word++) if (keys[at + word] !== key[word]) return false;
  return true;
}
