// SPDX-License-Identifier: MIT

/**
 * A hash table of slots whose values stand elsewhere: each bucket is a queue of slots, oldest first. Slots leave in the order they
 * came, so the one that leaves is the first of its queue and costs no search. 12 bytes per slot of capacity, none of them touched
 * before they are used.
 */
export class HashChains {
  // Slots are stored plus one: memory begins as zeros, and zero is none.
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #next: Uint32Array;

  /** @param capacity a power of two */
  constructor(readonly capacity: number) {
    this.#first = new Uint32Array(capacity);
    this.#last = new Uint32Array(capacity);
    this.#next = new Uint32Array(capacity);
  }

  add(slot: number, hash: number): void {
    const bucket = hash & (this.capacity - 1);
    const last = this.#last[bucket]!;
    if (last === 0) this.#first[bucket] = slot + 1;
    else this.#next[last - 1] = slot + 1;
    this.#last[bucket] = slot + 1;
    this.#next[slot] = 0;
  }

  /** Removes the slot that has been in the table longest, which must be this one. */
  removeOldest(slot: number, hash: number): void {
    const bucket = hash & (this.capacity - 1);
    if (this.#first[bucket] !== slot + 1) throw new Error(`slot ${slot} is not the oldest of its bucket`);
    const next = this.#next[slot]!;
    this.#first[bucket] = next;
    if (next === 0) this.#last[bucket] = 0;
  }

  /** First slot that may have this hash, or -1. */
  first(hash: number): number {
    return this.#first[hash & (this.capacity - 1)]! - 1;
  }

  /** The one after it in its queue, or -1. */
  after(slot: number): number {
    return this.#next[slot]! - 1;
  }
}
