// SPDX-License-Identifier: MIT

import { latin1, type Passage } from "@skep/protocols";
import type { Message, MessageReader } from "../wire/message-reader.js";

/** A value as it was read: what matters of it. */
export interface RedisValue extends Message {
  /** First byte: `*` of an array, `+`, `-`, `:`, `$`... */
  readonly type: string;
  /** Of a line its text; of an array the beginnings of its strings. Characters are bytes (latin1). */
  readonly words: readonly string[];
  /** Elements of the outermost array. */
  readonly count: number;
}

/** Who is told of values. */
export interface ValueListener {
  /** Whether a value that begins with this byte can be understood now. If not, it waits. */
  isDue(type: number): boolean;
  value(value: RedisValue): void;
}

const LF = 10;
/** Longest line that is kept; a longer one with a length in it is none. */
const LONGEST_LINE = 512;
/** Of strings: as much, and as many. */
const LONGEST_WORD = 128;
const MOST_WORDS = 64;
const MOST_ELEMENTS = 2 ** 31;
const MOST_DEPTH = 32;

const LINES = new Set(Buffer.from("+-:_,#("));
const STRINGS = new Set(Buffer.from("$=!"));
/** Elements for each that is counted. */
const GROUPS: ReadonlyMap<number, number> = new Map(
  Array.from("*~>%|", (type) => [type.charCodeAt(0), "%|".includes(type) ? 2 : 1]),
);
const ATTRIBUTE = "|".charCodeAt(0);

/**
 * Reads RESP, versions 2 and 3, one value of the outermost level after the other, and keeps only beginnings of it.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export class ValueReader implements MessageReader {
  isBroken = false;
  at = 0;
  beganNs = 0;
  #isStopped = false;
  /** Elements that are still to come, of each array we are in; empty between values. */
  #open: number[] = [];
  #inValue = false;
  #type = 0;
  #count = 0;
  #words: string[] = [];
  #line = "";
  /** Bytes of a string and its end that are still to come; -1 outside of one. */
  #left = -1;
  #word = "";
  #offset = 0;

  constructor(private readonly listener: ValueListener) {}

  get isAtStart(): boolean {
    return !this.#inValue;
  }

  get size(): number {
    let bytes = this.#line.length + this.#word.length;
    for (const word of this.#words) bytes += word.length;
    return bytes;
  }

  get body(): number {
    const isRead = this.#words.length >= MOST_WORDS || this.#word.length >= LONGEST_WORD || this.#open.length > 1;
    return this.#left > 0 && isRead ? this.#left : 0;
  }

  take(passage: Passage, from: number, to: number): number {
    let at = from;
    while (at < to && !this.isBroken && !this.#isStopped) {
      const next = this.#step(passage, at, to);
      if (next === at) break;
      at = next;
    }
    return at - from;
  }

  miss(length: number, timeNs: number): void {
    this.#offset += length;
    this.#stringPassed(length, timeNs);
  }

  reset(): void {
    this.isBroken = this.#inValue = false;
    this.#open = [];
    this.#words = [];
    this.#line = this.#word = "";
    this.#left = -1;
  }

  /** Takes no more. */
  stop(): void {
    this.#isStopped = true;
  }

  #step(passage: Passage, at: number, to: number): number {
    const { bytes, timeNs, origin } = passage;
    if (this.#left >= 0) {
      const length = Math.min(this.#left, to - at);
      const room = Math.min(length, LONGEST_WORD - this.#word.length, this.#left - 2);
      if (room > 0 && this.#words.length < MOST_WORDS && this.#open.length <= 1)
        this.#word += latin1(bytes, at, at + room);
      this.#offset = origin + at + length;
      this.#stringPassed(length, timeNs);
      return at + length;
    }
    if (!this.#inValue) {
      if (!this.listener.isDue(bytes[at]!)) return at;
      this.#begin(bytes[at]!, origin + at, timeNs);
    }
    let end = at;
    while (end < to && bytes[end] !== LF) end++;
    const room = LONGEST_LINE - this.#line.length;
    if (room > 0) this.#line += latin1(bytes, at, Math.min(end, at + room));
    if (end === to) return to;
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    this.#offset = origin + end + 1;
    this.#lineOver(line, timeNs);
    return end + 1;
  }

  #begin(type: number, at: number, timeNs: number): void {
    this.#inValue = true;
    this.#type = type;
    this.#count = 0;
    this.#words = [];
    this.at = at;
    this.beganNs = timeNs;
  }

  #lineOver(line: string, timeNs: number): void {
    const type = line.charCodeAt(0);
    if (LINES.has(type)) {
      this.#keep(line.slice(1));
      return this.#elementOver(timeNs);
    }
    const length = /^[^?]-?\d{1,10}$/.test(line) ? Number(line.slice(1)) : NaN;
    const isString = STRINGS.has(type);
    const each = GROUPS.get(type);
    if (Number.isNaN(length) || length < -1 || length > MOST_ELEMENTS || (!isString && each === undefined)) {
      this.isBroken = true;
      return;
    }
    if (isString) {
      if (length === -1) return this.#elementOver(timeNs);
      this.#left = length + 2;
      this.#word = "";
      return;
    }
    const elements = Math.max(0, length) * each!;
    if (this.#open.length === 0) this.#count = elements;
    // What stands before a value is told with it, not instead of it.
    const more = type === ATTRIBUTE ? 1 : 0;
    if (elements + more === 0) return this.#elementOver(timeNs);
    this.#open.push(elements + more);
    if (this.#open.length > MOST_DEPTH) this.isBroken = true;
  }

  #stringPassed(length: number, timeNs: number): void {
    this.#left -= length;
    if (this.#left > 0) return;
    this.#left = -1;
    this.#keep(this.#word);
    this.#word = "";
    this.#elementOver(timeNs);
  }

  #keep(word: string): void {
    if (this.#words.length < MOST_WORDS && this.#open.length <= 1) this.#words.push(word);
  }

  #elementOver(endedNs: number): void {
    while (this.#open.length > 0) {
      if (--this.#open[this.#open.length - 1]! > 0) return;
      this.#open.pop();
    }
    this.#inValue = false;
    const words = this.#words;
    this.#words = [];
    const type = String.fromCharCode(this.#type);
    const { at, beganNs } = this;
    this.listener.value({ type, words, count: this.#count, at, end: this.#offset, beganNs, endedNs });
  }
}
