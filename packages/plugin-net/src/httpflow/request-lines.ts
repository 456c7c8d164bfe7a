// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { latin1, type RequestLine, requestLineOf, type RequestParts, splitRequestLine } from "@skep/protocols";
import type { LineCache } from "./line-cache.js";

/** What stands for any path, and in the end for any method, where there are too many. */
const ANY = "*";
/** Methods and versions that are still told apart then. */
const MORE_LINES = 1024;

/** Gives request lines numbers, equal ones to those that points do not tell apart. */
export class RequestLines {
  readonly #numbers = new Map<string, number>();
  readonly #requests: RequestLine[] = [];

  /**
   * @param maxPath bytes of a path that are kept
   * @param maxLines numbers given before lines are told apart by method and version only
   * @param cache empty, and used by nobody else as long as lines are numbered here
   */
  constructor(
    private readonly maxPath: number,
    private readonly maxLines: number,
    private readonly cache: LineCache,
  ) {}

  get size(): number {
    return this.#requests.length;
  }

  /** What a number stands for. @throws RangeError for one that was not given */
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
    const known = this.cache.find(cursor, at, length, cut);
    if (known >= 0) return known;
    const number = this.numberOfParts(splitRequestLine(latin1(cursor.bytes, at, at + length), cut));
    this.cache.put(number);
    return number;
  }

  /** The number of a request line that user space has read. */
  numberOfParts(parts: RequestParts): number {
    const request = requestLineOf(parts, this.maxPath);
    const key = keyOf(request);
    return this.#numbers.get(key) ?? (this.size < this.maxLines ? this.#add(request, key) : this.#anyPathOf(request));
  }

  /** The number that stands for all paths of the requests with this one's method and version. */
  anyPath(number: number): number {
    return this.#anyPathOf(this.request(number));
  }

  #anyPathOf({ method, version }: RequestLine): number {
    const full = this.size >= this.maxLines + MORE_LINES;
    const folded = { method: full ? ANY : method, path: ANY, version, truncated: true };
    const key = keyOf(folded);
    return this.#numbers.get(key) ?? this.#add(folded, key);
  }

  #add(request: RequestLine, key: string): number {
    const number = this.#requests.push(request) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}

const keyOf = ({ method, path, version, truncated }: RequestLine): string =>
  `${truncated ? 1 : 0}${version} ${method} ${path}`;
