// SPDX-License-Identifier: MIT

import type { Cursor } from "./codec.js";

/** Longest `char[]` that is interned, bytes. Paths and the like are longer and seldom repeat. */
const LONGEST = 64;
const WORDS = LONGEST / 4;
/** A direct-mapped cache: a string that hashes to the slot of another replaces it, so that memory stays bounded. */
const SLOTS = 2048;

const texts: (string | undefined)[] = new Array<string | undefined>(SLOTS).fill(undefined);
/** The words of each slot's string, zero after its end. */
const slots = new Uint32Array(SLOTS * WORDS);
const wanted = new Uint32Array(WORDS);

/**
 * The text of a C `char[size]` member at `offset` bytes of the record, up to its first NUL, as UTF-8.
 * What lies behind the NUL is ignored. Hot strings such as `comm` repeat: one seen lately costs a hash and a comparison.
 */
// hot
export function internString(cursor: Cursor, offset: number, size: number): string {
  if (((offset | size) & 3) !== 0 || size > LONGEST) return decode(cursor, offset, size);
  const { u32 } = cursor;
  const first = (cursor.at + offset) >> 2;
  const count = size >> 2;
  let words = 0;
  let hash = 0;
  while (words < count) {
    let word = u32[first + words]!;
    // Sets the top bit of the lowest zero byte (and perhaps of bytes above it): the end of the string.
    const zero = (word - 0x01010101) & ~word & 0x80808080;
    if (zero !== 0) word &= ((zero & -zero) >>> 7) - 1;
    wanted[words++] = word;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
    if (zero !== 0) break;
  }
  const slot = hash & (SLOTS - 1);
  const base = slot * WORDS;
  const text = texts[slot];
  if (text !== undefined && equalAt(base, words)) return text;
  for (let index = 0; index < WORDS; index++) slots[base + index] = index < words ? wanted[index]! : 0;
  return (texts[slot] = decode(cursor, offset, size));
}

/** Whether the slot holds exactly the first `words` of `wanted`; zeroes behind them prove that it is no longer string. */
function equalAt(base: number, words: number): boolean {
  for (let index = 0; index < words; index++) if (slots[base + index] !== wanted[index]) return false;
  return words === WORDS || slots[base + words] === 0;
}

function decode(cursor: Cursor, offset: number, size: number): string {
  const { bytes } = cursor;
  const start = cursor.at + offset;
  let end = start;
  while (end < start + size && bytes[end] !== 0) end++;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}
