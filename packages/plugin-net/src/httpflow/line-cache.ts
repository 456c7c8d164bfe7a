// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { LINE_LONG } from "./contract.js";

const QUERY = 0x3f3f3f3f;
const ANY_DIGIT = 0;
const VERSION_BYTES = Uint8Array.from(" HTTP/d.d", (char) => (char === "d" ? ANY_DIGIT : char.charCodeAt(0)));

/** The top bit of each zero byte of `word`, and perhaps of bytes above one. */
const zeroBytes = (word: number): number => (word - 0x01010101) & ~word & 0x80808080;

/** Words of all lines together. */
const MOST_WORDS = 1024 * 1024;
const MOST_LINES = 65_536;
const SMALLEST = 1024;
const EMPTY = 0;

/**
 * Finds the number of a request line that was seen before without making text of it: by a hash and a comparison of its words
 * up to the query. When it is full, lines that are not in it are not remembered.
 */
export class LineCache {
  /** Of the line that was looked for last, for {@link put}. */
  readonly #wanted = new Uint32Array(LINE_LONG / 4);
  #count = 0;
  #hash = 0;
  #tail = 0;
  /** The words of all lines up to their queries, one line behind the other. */
  #words = new Uint32Array(SMALLEST * 16);
  #used = 0;
  /** By entry, from 1 on: where its words begin, its hash, what else makes a difference, its number. */
  #begins = new Uint32Array(SMALLEST);
  #hashes = new Uint32Array(SMALLEST);
  #tails = new Uint32Array(SMALLEST);
  #numbers = new Uint32Array(SMALLEST);
  #size = 0;
  /** Entry of each slot. */
  #slots = new Uint32Array(SMALLEST * 2);

  /**
   * The number of a line; -1 when it is not there.
   * @param at byte at which it begins, a multiple of 4
   * @param cut the line went on, but its end was not captured
   */
  // hot
  find(cursor: Cursor, at: number, length: number, cut: boolean): number {
    const { u32 } = cursor;
    const wanted = this.#wanted;
    const first = at >> 2;
    let left = Math.min(length, LINE_LONG);
    let count = 0;
    let hash = 0;
    while (left > 0) {
      let word = u32[first + count]!;
      if (left < 4) word &= (1 << (left * 8)) - 1;
      const query = zeroBytes(word ^ QUERY);
      if (query !== 0) word &= ((query & -query) >>> 7) - 1;
      wanted[count++] = word;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
      if (query !== 0) break;
      left -= 4;
    }
    // Of what follows the query only the version makes a difference.
    const hasQuery = left > 0;
    const version = hasQuery && !cut ? versionAtEnd(cursor.bytes, at, at + length) : 0;
    const tail = (version << 10) | (cut ? 1 << 9 : 0) | (hasQuery ? 1 << 8 : 0) | count;
    hash = Math.imul(hash ^ tail, 0x9e3779b1) >>> 0;
    hash = (hash ^ (hash >>> 15)) >>> 0;
    this.#count = count;
    this.#hash = hash;
    this.#tail = tail;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === EMPTY) return -1;
      if (this.#hashes[entry] === hash && this.#tails[entry] === tail && this.#isWanted(entry)) {
        return this.#numbers[entry]!;
      }
    }
  }

  /** Remembers the number of the line that was looked for last, and not found. */
  put(number: number): void {
    const end = this.#used + this.#count;
    if (end > MOST_WORDS || this.#size >= MOST_LINES) return;
    if (this.#size + 1 >= this.#begins.length) this.#grow();
    if (end > this.#words.length) this.#words = widened(this.#words, this.#words.length * 2);
    const entry = ++this.#size;
    this.#words.set(this.#wanted.subarray(0, this.#count), this.#used);
    this.#begins[entry] = this.#used;
    this.#hashes[entry] = this.#hash;
    this.#tails[entry] = this.#tail;
    this.#numbers[entry] = number;
    this.#used = end;
    this.#occupy(entry);
  }

  /** Forgets all lines; room that was made stays. */
  clear(): void {
    this.#slots.fill(EMPTY);
    this.#size = this.#used = 0;
  }

  #isWanted(entry: number): boolean {
    const begin = this.#begins[entry]!;
    const words = this.#words;
    const wanted = this.#wanted;
    for (let word = 0; word < this.#count; word++) if (words[begin + word] !== wanted[word]) return false;
    return true;
  }

  #occupy(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[entry]! & mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#slots[slot] = entry;
  }

  #grow(): void {
    const capacity = this.#begins.length * 2;
    this.#begins = widened(this.#begins, capacity);
    this.#hashes = widened(this.#hashes, capacity);
    this.#tails = widened(this.#tails, capacity);
    this.#numbers = widened(this.#numbers, capacity);
    this.#slots = new Uint32Array(capacity * 2);
    for (let entry = 1; entry <= this.#size; entry++) this.#occupy(entry);
  }
}

function widened(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(capacity);
  wider.set(column);
  return wider;
}

/** The digits of `HTTP/1.1` at the end of a line as bytes of one number; 0 when it does not end so. */
function versionAtEnd(bytes: Uint8Array, begin: number, end: number): number {
  const at = end - VERSION_BYTES.length;
  if (at < begin) return 0;
  for (let index = 0; index < VERSION_BYTES.length; index++) {
    const expected = VERSION_BYTES[index]!;
    if (expected !== ANY_DIGIT && bytes[at + index] !== expected) return 0;
  }
  return (bytes[end - 3]! << 8) | bytes[end - 1]!;
}
