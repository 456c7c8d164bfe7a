// SPDX-License-Identifier: MIT

import { latin1 } from "../../latin1.js";

const LF = 10;
const CR = 13;

/**
 * Collects a line that may come in pieces. It ends at LF; a CR before that is not part of it. Of a longer line than `limit`
 * the beginning is kept.
 */
export class LineReader {
  /** Bytes of the whole line so far. */
  length = 0;
  #text = "";
  #lastByte = 0;

  constructor(private readonly limit: number) {}

  /**
   * Takes bytes up to the end of the line. Returns the index behind it, or -1 when the line goes on.
   * @param isKept false: of these bytes only the number matters
   */
  take(bytes: Uint8Array, from: number, to: number, isKept = true): number {
    let end = from;
    while (end < to && bytes[end] !== LF) end++;
    const room = isKept ? this.limit - this.#text.length : 0;
    if (end > from) {
      if (room > 0) this.#text += latin1(bytes, from, Math.min(end, from + room));
      this.length += end - from;
      this.#lastByte = bytes[end - 1]!;
    }
    return end === to ? -1 : end + 1;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.#text.length;
  }

  /** Whether there is nothing before the end of the line. */
  get isEmpty(): boolean {
    return this.length === 0 || (this.length === 1 && this.#lastByte === CR);
  }

  /** Whether the end of the line did not fit. */
  get isCut(): boolean {
    return this.length - (this.#lastByte === CR ? 1 : 0) > this.limit;
  }

  /** The line, without its end; characters are bytes. */
  get text(): string {
    return this.#lastByte === CR && this.length <= this.limit ? this.#text.slice(0, -1) : this.#text;
  }

  clear(): void {
    this.length = 0;
    this.#text = "";
    this.#lastByte = 0;
  }
}
