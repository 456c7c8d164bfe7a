// SPDX-License-Identifier: MIT

import type { Category, FieldValue, Point } from "@skep/core";
import protobuf from "protobufjs";
import { PBPoints } from "./schema.js";

/** What protobufjs makes of a 64-bit integer. */
interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

interface WireField {
  readonly key: string;
  readonly isTag: boolean;
  readonly val?: "i" | "u" | "f" | "b" | "s";
  readonly i: Long;
  readonly u: Long;
  readonly f: number;
  readonly b: boolean;
  readonly s: string;
}

interface WirePoints {
  readonly arr: readonly { readonly name: string; readonly time: Long; readonly fields: readonly WireField[] }[];
}

/**
 * The points of a `PBPoints` message, as somebody else or {@link encodePoints} wrote it. Integers beyond 2^53 are bigints; values of
 * kinds that Skep does not know are left out. The wire does not say the category.
 *
 * @throws Error when the bytes are no such message
 */
export function decodePoints(body: Uint8Array, category: Category): Point[] {
  const { arr } = PBPoints.decode(body) as unknown as WirePoints;
  return arr.map(({ name, time, fields }) => {
    const point: Point = { measurement: name, category, time: bigintOf(time), tags: {}, fields: {} };
    for (const field of fields) {
      if (field.isTag) {
        if (field.val === "s") point.tags[field.key] = field.s;
      } else {
        const value = valueOf(field);
        if (value !== undefined) point.fields[field.key] = value;
      }
    }
    return point;
  });
}

/** Tag of a `PBPoint` in the message. */
const ARR = 10;

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
    if (tag === ARR) points.push(body.subarray(start, reader.pos));
  }
  return points;
}

function valueOf(field: WireField): FieldValue | undefined {
  switch (field.val) {
    case "i":
      return integer(field.i);
    case "u":
      return integer(field.u);
    case undefined:
      return undefined;
    default:
      return field[field.val];
  }
}

/** An unsigned value of 64 bits is the signed one with the same bits: points know no other. */
function integer(value: Long): FieldValue {
  const number = value.high * 2 ** 32 + (value.low >>> 0);
  return Number.isSafeInteger(number) ? number : bigintOf(value);
}

const bigintOf = ({ low, high }: Long): bigint => (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
