// SPDX-License-Identifier: MIT

/** An element of a document: where its value is. https://bsonspec.org/spec.html */
export interface Element {
  readonly type: number;
  readonly key: string;
  readonly at: number;
  /** Behind the value. */
  readonly end: number;
}

/** Types of values that are looked at. */
export const BsonType = { DOUBLE: 1, STRING: 2, DOCUMENT: 3, ARRAY: 4, BOOLEAN: 8, INT32: 16, INT64: 18 } as const;

/** Bytes of values whose size their type tells. */
const sizes: ReadonlyMap<number, number> = new Map([
  [BsonType.DOUBLE, 8],
  [6, 0],
  [7, 12],
  [BsonType.BOOLEAN, 1],
  [9, 8],
  [10, 0],
  [BsonType.INT32, 4],
  [17, 8],
  [BsonType.INT64, 8],
  [19, 16],
  [127, 0],
  [255, 0],
]);
const BINARY = 5;
const REGULAR_EXPRESSION = 11;
/** Strings, and what is written as strings are: code and symbols. */
const STRINGS: ReadonlySet<number> = new Set([BsonType.STRING, 13, 14]);
/** Beginning with their own size. */
const SIZED: ReadonlySet<number> = new Set([BsonType.DOCUMENT, BsonType.ARRAY, 15]);
const LONGEST_KEY = 128;

/**
 * The elements of a document, of which the end may be missing: then those that are there. The library for BSON reads whole documents
 * only, and all of them; here values are stepped over.
 * @param at of its size
 */
export function* elements(bytes: Buffer, at: number): Generator<Element> {
  let next = at + 4;
  while (next < bytes.length && bytes[next] !== 0) {
    const type = bytes[next]!;
    const zero = bytes.indexOf(0, next + 1);
    if (zero < 0 || zero - next > LONGEST_KEY) return;
    const key = bytes.toString("utf8", next + 1, zero);
    const size = sizeOf(type, bytes, zero + 1);
    if (size < 0) return;
    yield { type, key, at: zero + 1, end: zero + 1 + size };
    next = zero + 1 + size;
  }
}

/** Bytes of a value; -1 for what is none, or cut where its size stands. */
function sizeOf(type: number, bytes: Buffer, at: number): number {
  const fixed = sizes.get(type);
  if (fixed !== undefined) return fixed;
  if (type === REGULAR_EXPRESSION) {
    const options = bytes.indexOf(0, at) + 1;
    const end = options > 0 ? bytes.indexOf(0, options) : -1;
    return end < 0 ? -1 : end + 1 - at;
  }
  if (at + 4 > bytes.length) return -1;
  const length = bytes.readInt32LE(at);
  if (length < 0) return -1;
  if (SIZED.has(type)) return length < 5 ? -1 : length;
  if (STRINGS.has(type)) return 4 + length;
  return type === BINARY ? 5 + length : -1;
}

/** Text of a string; empty where it is cut. */
export const stringOf = (bytes: Buffer, { at, end }: Element): string =>
  end <= bytes.length ? bytes.toString("utf8", at + 4, end - 1) : "";

/** A number as one; undefined for what is none, or cut. */
export function numberOf(bytes: Buffer, { type, at, end }: Element): number | undefined {
  if (end > bytes.length) return undefined;
  if (type === BsonType.DOUBLE) return bytes.readDoubleLE(at);
  if (type === BsonType.INT32) return bytes.readInt32LE(at);
  if (type === BsonType.INT64) return Number(bytes.readBigInt64LE(at));
  return type === BsonType.BOOLEAN ? bytes[at] : undefined;
}
