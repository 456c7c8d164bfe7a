// SPDX-License-Identifier: MIT

import { randomInt } from "node:crypto";
import { Entry, ENTRY_WORDS, KEY_MASK, KEY_WORDS } from "./entry.js";

const NONE = -1;
const SMALLEST = 1024;
/** Generations that an ended entry outlives: its flow may have one more thing to tell, and some flows outlive their entry. */
const GRACE = 3;
/** In place of the generation in which an entry ended. */
const ALIVE = 0;

/** Whether a namespace passes on packets of an address rather than sending them itself. */
export type Forwards = (netns: number, entry: Uint32Array, srcAt: number) => boolean;

/**
 * Entries of connection tracking that translate the destination: a chained hash table over typed arrays, 80 bytes an entry.
 *
 * The hash is that of addresses and ports alone, because a flow is looked for in its own network namespace first
 * and then in those that pass it on, and in any zone. It is seeded, so that nobody can choose colliding flows.
 *
 * An entry that ended stays for {@link GRACE} generations after its end or the last question for it.
 */
export class Translations {
  /** Entries, those that ended included. */
  size = 0;
  readonly #seed = randomInt(0x7fffffff);
  #capacity = 0;
  #words!: Uint32Array;
  /** Next entry of the same bucket, or of the free list. */
  #next!: Int32Array;
  /** The generation in which it ended, or {@link ALIVE}. */
  #ended!: Uint32Array;
  /** The last round of dumps that knew it. */
  #seen!: Uint32Array;
  #buckets!: Int32Array;
  #free = NONE;
  #endedCount = 0;
  /** Entries from here on were never used. */
  #fresh = 0;
  #generation = 1;
  #round = 0;

  constructor(private readonly maxEntries: number) {
    this.#allocate(Math.min(SMALLEST, maxEntries));
  }

  /** Notes an entry. `known`: it was there, alive and the same. `full`: there is no room. */
  // hot
  put(entry: Uint32Array): "added" | "known" | "full" {
    let index = this.#find(entry);
    if (index === NONE) {
      if (this.size === this.maxEntries && this.#endedCount > 0) this.#forgetEnded(this.#generation + 1);
      if (this.size === this.maxEntries) return "full";
      index = this.#insert(entry);
    } else if (this.#ended[index] !== ALIVE) {
      this.#endedCount--;
    } else if (this.#isTarget(index, entry)) {
      this.#seen[index] = this.#round;
      return "known";
    }
    const at = index * ENTRY_WORDS;
    for (let word = Entry.nat; word < ENTRY_WORDS; word++) this.#words[at + word] = entry[word]!;
    this.#ended[index] = ALIVE;
    this.#seen[index] = this.#round;
    return "added";
  }

  /** Notes an end; false when there was nothing to end, or another has taken the entry's place. */
  // hot
  end(entry: Uint32Array): boolean {
    const index = this.#find(entry);
    if (index === NONE || this.#ended[index] !== ALIVE || !this.#isTarget(index, entry)) return false;
    this.#ended[index] = this.#generation;
    this.#endedCount++;
    return true;
  }

  /** Forgets an entry, because its addresses are used by a flow that is not translated. */
  // hot
  remove(entry: Uint32Array): boolean {
    const index = this.#find(entry);
    if (index === NONE) return false;
    this.#delete(index);
    return true;
  }

  /**
   * Where a flow goes: false when it is not translated, else its target is put into `flow`. Best are the flow's own namespace
   * and the default zone; entries that are equally good and do not agree are no answer.
   */
  // hot
  translate(flow: Uint32Array, forwards: Forwards): boolean {
    const words = this.#words;
    let best = NONE;
    let bestRank = 0;
    let agreed = true;
    for (let index = this.#buckets[this.#bucketOf(flow)]!; index !== NONE; index = this.#next[index]!) {
      const at = index * ENTRY_WORDS;
      if (!this.#isFlow(at, flow)) continue;
      const rank = this.#rank(index, flow, forwards);
      if (rank === 0 || rank < bestRank) continue;
      if (rank > bestRank) agreed = true;
      else if (!this.#agree(best, index)) agreed = false;
      best = index;
      bestRank = rank;
    }
    if (best === NONE || !agreed) return false;
    if (this.#ended[best] !== ALIVE) this.#ended[best] = this.#generation;
    for (let word = Entry.nat; word < ENTRY_WORDS; word++) flow[word] = words[best * ENTRY_WORDS + word]!;
    return true;
  }

  /** Begins a generation: forgets what ended long ago. */
  age(): void {
    this.#generation++;
    this.#forgetEnded(this.#generation - GRACE);
  }

  /** Before a dump of every entry of some namespaces. */
  beginRound(): void {
    this.#round++;
  }

  /** After it: entries of these namespaces that it did not know have ended unnoticed. Returns how many. */
  endUnseen(namespaces: ReadonlySet<number>): number {
    let ended = 0;
    this.#each((index) => {
      if (this.#ended[index] !== ALIVE || this.#seen[index] === this.#round) return;
      if (!namespaces.has(this.#words[index * ENTRY_WORDS + Entry.netns]!)) return;
      this.#ended[index] = this.#generation;
      ended++;
    });
    this.#endedCount += ended;
    return ended;
  }

  #rank(index: number, flow: Uint32Array, forwards: Forwards): number {
    const at = index * ENTRY_WORDS;
    const netns = this.#words[at + Entry.netns]!;
    const alive = this.#ended[index] === ALIVE ? 1 : 0;
    if (netns === flow[Entry.netns]) return ((this.#words[at + Entry.kind]! & 0xffff) === 0 ? 6 : 4) + alive;
    return forwards(netns, this.#words, at + Entry.src) ? 2 + alive : 0;
  }

  #agree(one: number, other: number): boolean {
    const words = this.#words;
    for (let word = Entry.nat; word < ENTRY_WORDS; word++) {
      if (words[one * ENTRY_WORDS + word] !== words[other * ENTRY_WORDS + word]) return false;
    }
    return true;
  }

  #find(entry: Uint32Array): number {
    for (let index = this.#buckets[this.#bucketOf(entry)]!; index !== NONE; index = this.#next[index]!) {
      const at = index * ENTRY_WORDS;
      if (!this.#isFlow(at, entry) || this.#words[at + Entry.netns] !== entry[Entry.netns]) continue;
      if (this.#words[at + Entry.kind] === (entry[Entry.kind]! & KEY_MASK)) return index;
    }
    return NONE;
  }

  /** Addresses, ports and transport. */
  #isFlow(at: number, entry: Uint32Array): boolean {
    const words = this.#words;
    for (let word = Entry.src; word <= Entry.ports; word++) if (words[at + word] !== entry[word]) return false;
    return words[at + Entry.kind]! >>> 16 === ((entry[Entry.kind]! >>> 16) & 0xff);
  }

  #isTarget(index: number, entry: Uint32Array): boolean {
    const at = index * ENTRY_WORDS;
    for (let word = Entry.nat; word < ENTRY_WORDS; word++) if (this.#words[at + word] !== entry[word]) return false;
    return true;
  }

  #insert(entry: Uint32Array): number {
    if (this.#free === NONE && this.#fresh === this.#capacity) this.#grow();
    let index = this.#free;
    if (index === NONE) index = this.#fresh++;
    else this.#free = this.#next[index]!;
    const at = index * ENTRY_WORDS;
    for (let word = 0; word < KEY_WORDS; word++) this.#words[at + word] = entry[word]!;
    this.#words[at + Entry.kind]! &= KEY_MASK;
    this.#link(index);
    this.size++;
    return index;
  }

  #link(index: number): void {
    const bucket = this.#bucketOf(this.#words, index * ENTRY_WORDS);
    this.#next[index] = this.#buckets[bucket]!;
    this.#buckets[bucket] = index;
  }

  #delete(index: number): void {
    const bucket = this.#bucketOf(this.#words, index * ENTRY_WORDS);
    const after = this.#next[index]!;
    if (this.#buckets[bucket] === index) {
      this.#buckets[bucket] = after;
    } else {
      let before = this.#buckets[bucket]!;
      while (this.#next[before] !== index) before = this.#next[before]!;
      this.#next[before] = after;
    }
    if (this.#ended[index] !== ALIVE) this.#endedCount--;
    this.#next[index] = this.#free;
    this.#free = index;
    this.size--;
  }

  /** Those that ended before a generation. */
  #forgetEnded(generation: number): void {
    this.#each((index) => {
      const ended = this.#ended[index]!;
      if (ended !== ALIVE && ended < generation) this.#delete(index);
    });
  }

  /** `visit` may delete the entry it is given. */
  #each(visit: (index: number) => void): void {
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      for (let index = this.#buckets[bucket]!; index !== NONE;) {
        const after = this.#next[index]!;
        visit(index);
        index = after;
      }
    }
  }

  #bucketOf(words: Uint32Array, at = 0): number {
    let mixed = this.#seed;
    for (let word = Entry.src; word <= Entry.ports; word++) {
      mixed = Math.imul(mixed ^ words[at + word]!, 0x9e3779b1);
      mixed ^= mixed >>> 15;
    }
    return mixed & (this.#buckets.length - 1);
  }

  #grow(): void {
    const { size } = this;
    const columns = [this.#words, this.#ended, this.#seen] as const;
    this.#allocate(Math.min(this.maxEntries, this.#capacity * 2));
    this.#words.set(columns[0]);
    this.#ended.set(columns[1]);
    this.#seen.set(columns[2]);
    // Grown only when every entry is in use.
    for (let index = 0; index < size; index++) this.#link(index);
  }

  #allocate(capacity: number): void {
    this.#capacity = capacity;
    this.#words = new Uint32Array(capacity * ENTRY_WORDS);
    this.#next = new Int32Array(capacity);
    this.#ended = new Uint32Array(capacity);
    this.#seen = new Uint32Array(capacity);
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(capacity))).fill(NONE);
  }
}
