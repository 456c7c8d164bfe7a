// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { type RequestLine, requestLineOf, type RequestParts, splitRequestLine } from "./request-line.js";

/** Lines whose part before the query is longer are read each time they come. */
const LONGEST_BYTES = 128;
const SLOT_WORDS = LONGEST_BYTES / 4;
/** A direct-mapped cache: a line that falls on the slot of another replaces it, so that memory stays bounded. */
const SLOTS = 8192;
const QUERY = 0x3f3f3f3f;
/** What stands for any path, and in the end for any method, where there are too many. */
const ANY = "*";
/** Methods and versions that are still told apart then. */
const MORE_LINES = 1024;
const ANY_DIGIT = 0;
const VERSION_BYTES = Uint8Array.from(" HTTP/d.d", (char) => (char === "d" ? ANY_DIGIT : char.charCodeAt(0)));

/** The top bit of each zero byte of `word`, and perhaps of bytes above one. */
const zeroBytes = (word: number): number => (word - 0x01010101) & ~word & 0x80808080;

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

/**
 * Gives request lines numbers, equal ones for those that points do not tell apart. Lines repeat: one that was seen costs a hash
 * and a comparison of its words up to the query, and no text is made.
 */
export class RequestLines {
  readonly #numbers = new Map<string, number>();
  readonly #requests: RequestLine[] = [];
  /** The words of each slot's line up to its query, zero after them. */
  readonly #words = new Uint32Array(SLOTS * SLOT_WORDS);
  /** How many words those are, and above that what else makes a difference. */
  readonly #tails = new Uint32Array(SLOTS);
  /** Number of the slot's line plus one; 0: the slot is empty. */
  readonly #found = new Uint32Array(SLOTS);
  readonly #wanted = new Uint32Array(SLOT_WORDS);

  /**
   * @param maxPath bytes of a path that are kept
   * @param maxLines numbers given before lines are told apart by method and version only
   */
  constructor(
    private readonly maxPath: number,
    private readonly maxLines: number,
  ) {}

  get size(): number {
    return this.#requests.length;
  }

  /** What a number stands for. @throws RangeError for one that was not given. */
  request(number: number): RequestLine {
    const request = this.#requests[number];
    if (request === undefined) throw new RangeError(`no request line has number ${number}`);
    return request;
  }

  /**
   * The number of a line in kernel memory.
   * @param at byte at which it begins, a multiple of 4
   * @param cut the line went on, but its end was not captured
   */
  // hot
  numberOf(cursor: Cursor, at: number, length: number, cut: boolean): number {
    const { u32, bytes } = cursor;
    const wanted = this.#wanted;
    const first = at >> 2;
    let left = length;
    let count = 0;
    let hash = 0;
    while (left > 0) {
      if (count === SLOT_WORDS) return this.#read(cursor, at, length, cut);
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
    const version = hasQuery && !cut ? versionAtEnd(bytes, at, at + length) : 0;
    const tail = (version << 8) | (cut ? 1 << 7 : 0) | (hasQuery ? 1 << 6 : 0) | count;
    hash = Math.imul(hash ^ tail, 0x9e3779b1);
    const slot = (hash >>> 16) & (SLOTS - 1);
    const base = slot * SLOT_WORDS;
    if (this.#tails[slot] === tail && this.#found[slot] !== 0) {
      const words = this.#words;
      let same = 0;
      while (same < count && words[base + same] === wanted[same]) same++;
      if (same === count) return this.#found[slot]! - 1;
    }
    const number = this.#read(cursor, at, length, cut);
    this.#words.set(wanted.subarray(0, count), base);
    this.#tails[slot] = tail;
    this.#found[slot] = number + 1;
    return number;
  }

  /** The number of a request line that user space has read. */
  numberOfParts(parts: RequestParts): number {
    return this.#intern(requestLineOf(parts, this.maxPath));
  }

  /** The number that stands for all paths of the requests with this one's method and version. */
  anyPath(number: number): number {
    return this.#giveAnyPath(this.request(number));
  }

  #read(cursor: Cursor, at: number, length: number, cut: boolean): number {
    const { buffer, byteOffset } = cursor.bytes;
    const line = Buffer.from(buffer, byteOffset + at, length).toString("latin1");
    return this.numberOfParts(splitRequestLine(line, cut));
  }

  #intern(request: RequestLine): number {
    const known = this.#numbers.get(keyOf(request));
    if (known !== undefined) return known;
    return this.size < this.maxLines ? this.#give(request) : this.#giveAnyPath(request);
  }

  #giveAnyPath({ method, version }: RequestLine): number {
    const full = this.size >= this.maxLines + MORE_LINES;
    return this.#give({ method: full ? ANY : method, path: ANY, version, truncated: true });
  }

  #give(request: RequestLine): number {
    const key = keyOf(request);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#requests.push(request) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}

const keyOf = ({ method, path, version, truncated }: RequestLine): string =>
  `${truncated ? 1 : 0}${version} ${method} ${path}`;
