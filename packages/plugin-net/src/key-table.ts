// SPDX-License-Identifier: MIT

const EMPTY = 0;
const SMALLEST = 256;

/**
 * Gives keys of a few 32-bit words numbers: an open-addressing hash table over typed arrays, because it is asked once for
 * each observation and must not allocate. Number 0 means "none"; keys are 1..size in order of arrival.
 */
export class KeyTable {
  /** Put the key here, then call {@link upsert}. */
  readonly key: Uint32Array;
  size = 0;
  /** All keys; the one with number `index` begins at {@link keyAt}. */
  keys: Uint32Array;
  /** Numbers below this have room: columns that are kept beside the keys need be no longer. */
  capacity: number;
  #slots: Uint32Array;

  /**
   * @param width words of a key
   * @param expected keys there is room for from the start
   */
  constructor(
    private readonly width: number,
    expected = 0,
  ) {
    this.capacity = SMALLEST;
    while (this.capacity <= expected + 1) this.capacity *= 2;
    this.key = new Uint32Array(width);
    this.keys = new Uint32Array(this.capacity * width);
    this.#slots = new Uint32Array(this.capacity * 2);
  }

  /** One word of the key with number `index`. */
  part(index: number, word: number): number {
    return this.keys[index * this.width + word]!;
  }

  /** Where the key with number `index` begins in {@link keys}. */
  keyAt(index: number): number {
    return index * this.width;
  }

  /** The number of {@link key}, a new one if it is not there. */
  // hot
  upsert(): number {
    const { key, keys, width } = this;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash(key, 0, width) & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot]!;
      if (index === EMPTY) return this.#insert(slot);
      if (equal(keys, index * width, key, width)) return index;
    }
  }

  /** The number of {@link key}; 0 if it is not there. */
  find(): number {
    const { key, keys, width } = this;
    const mask = this.#slots.length - 1;
    for (let slot = hash(key, 0, width) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]!;
      if (index === EMPTY || equal(keys, index * width, key, width)) return index;
    }
  }

  #insert(slot: number): number {
    if (this.size + 1 >= this.capacity) {
      this.#grow();
      return this.upsert();
    }
    const index = ++this.size;
    this.#slots[slot] = index;
    this.keys.set(this.key, index * this.width);
    return index;
  }

  #grow(): void {
    const { width } = this;
    this.capacity *= 2;
    const keys = new Uint32Array(this.capacity * width);
    keys.set(this.keys);
    this.keys = keys;
    this.#slots = new Uint32Array(this.capacity * 2);
    const mask = this.#slots.length - 1;
    for (let index = 1; index <= this.size; index++) {
      let slot = hash(keys, index * width, width) & mask;
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      this.#slots[slot] = index;
    }
  }
}

/** A column as it was, with room for `capacity` numbers. */
export function widened(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(capacity);
  wider.set(column);
  return wider;
}

function hash(words: Uint32Array, at: number, width: number): number {
  let mixed = 0;
  for (let word = at; word < at + width; word++) {
    mixed = Math.imul(mixed ^ words[word]!, 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}

function equal(keys: Uint32Array, at: number, key: Uint32Array, width: number): boolean {
  for (let word = 0; word < width; word++) if (keys[at + word] !== key[word]) return false;
  return true;
}
