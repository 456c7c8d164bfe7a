// SPDX-License-Identifier: MIT

import type { Category, FieldValue, Point } from "@skep/core";
import protobuf, { type Reader } from "protobufjs";

/**
 * Tags of the wire: number of a member in proto/point.proto and how it is written. Read by hand: the objects that protobufjs
 * makes of a message are most of what decoding costs, and a point is made anew from them anyway.
 */
const Tag = { arr: 10, name: 10, fields: 18, time: 24, key: 10, i: 16, u: 24, f: 33, b: 40, s: 90, isTag: 64 } as const;

/**
 * The points of a `PBPoints` message, as somebody else or {@link encodePoints} wrote it. Integers beyond 2^53 are bigints; values of
 * kinds that Skep does not know are left out. The wire does not say the category.
 *
 * @throws Error when the bytes are no such message
 */
export function decodePoints(body: Uint8Array, category: Category): Point[] {
  const reader = protobuf.Reader.create(body);
  const points: Point[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === Tag.arr) points.push(readPoint(reader, category));
    else reader.skipType(tag & 7);
  }
  return points;
}

/**
 * The points of a `PBPoints` message as messages of one point each, in the same order, without reading them: views of `body`.
 *
 * @throws Error when the bytes are no such message
 */
export function splitPoints(body: Uint8Array): Uint8Array[] {
  const reader = protobuf.Reader.create(body);
  const points: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    reader.skipType(tag & 7);
    if (tag === Tag.arr) points.push(body.subarray(start, reader.pos));
  }
  return points;
}

function readPoint(reader: Reader, category: Category): Point {
  const end = endOf(reader);
  let measurement = "";
  let time = 0n;
  const tags: Record<string, string> = {};
  const fields: Record<string, FieldValue> = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === Tag.name) measurement = reader.string();
    else if (tag === Tag.time) time = bigintOf(reader.int64());
    else if (tag === Tag.fields) readField(reader, tags, fields);
    else reader.skipType(tag & 7);
  }
  mustBeAt(end, reader);
  return { measurement, category, time, tags, fields };
}

function readField(reader: Reader, tags: Record<string, string>, fields: Record<string, FieldValue>): void {
  const end = endOf(reader);
  let key = "";
  let value: FieldValue | undefined;
  let isTag = false;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === Tag.key) key = reader.string();
    else if (tag === Tag.s) value = reader.string();
    else if (tag === Tag.i || tag === Tag.u) value = integer(reader.int64());
    else if (tag === Tag.f) value = reader.double();
    else if (tag === Tag.b) value = reader.bool();
    else if (tag === Tag.isTag) isTag = reader.bool();
    else reader.skipType(tag & 7);
  }
  mustBeAt(end, reader);
  // A key of an object that is none of its own must not become one of another's.
  if (value === undefined || key === "__proto__") return;
  if (!isTag) fields[key] = value;
  else if (typeof value === "string") tags[key] = value;
}

function endOf(reader: Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

/** What is inside a message ends with it. */
function mustBeAt(end: number, { pos }: Reader): void {
  if (pos !== end) throw new RangeError("a member is longer than its message");
}

/** An unsigned value of 64 bits is the signed one with the same bits: points know no other. */
function integer(value: Int64): FieldValue {
  if (typeof value === "number") return value;
  const number = value.high * 2 ** 32 + (value.low >>> 0);
  return Number.isSafeInteger(number) ? number : bigintOf(value);
}

type Int64 = ReturnType<Reader["int64"]> | number;
const bigintOf = (value: Int64): bigint =>
  typeof value === "number" ? BigInt(value) : (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
