// SPDX-License-Identifier: MIT

/** A first-in, first-out queue that holds so much and no more: what is pushed beyond that pushes the oldest out. */
export class BoundedQueue<T> {
  #items: T[] = [];
  /** Items before this index are taken. */
  #head = 0;

  /** `capacity` must be at least 1. */
  constructor(readonly capacity: number) {}

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Returns how many of the oldest items gave way. */
  push(items: readonly T[]): number {
    for (const item of items) this.#items.push(item);
    const excess = Math.max(0, this.size - this.capacity);
    if (excess > 0) this.#advance(excess);
    return excess;
  }

  /** Takes out at most `count` of the oldest items. */
  take(count: number): T[] {
    const taken = this.#items.slice(this.#head, this.#head + count);
    this.#advance(taken.length);
    return taken;
  }

  /** Empties the queue; returns how many items it held. */
  clear(): number {
    const { size } = this;
    this.#items = [];
    this.#head = 0;
    return size;
  }

  #advance(count: number): void {
    this.#head += count;
    // Moving the rest down costs its length: once the taken part is as long, that is a constant price per item.
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}
