// SPDX-License-Identifier: MIT

import type { FieldSpec, FieldValue, Point } from "@skep/core";
import { fieldKey, tagValue } from "./sanitise.js";
import { PBPoints } from "./schema.js";

/** Says whether a field is declared a float, so that a whole one is not mistaken for an integer. */
export type IsFloat = (measurement: string, field: string) => boolean;

/** Declared types of the fields, from the measurements' declarations. */
export function floatsOf(
  measurements: readonly { readonly name: string; readonly fields: Readonly<Record<string, FieldSpec>> }[],
): IsFloat {
  const types = new Map(measurements.map(({ name, fields }) => [name, fields]));
  return (measurement, field) => types.get(measurement)?.[field]?.type === "float";
}

/**
 * Points as a protobuf `PBPoints` message (proto/point.proto). Fields that protobuf cannot say (NaN and infinities are no numbers to
 * a DataKit server) are left out.
 */
export function encodePoints(points: readonly Point[], isFloat: IsFloat = () => false): Uint8Array {
  return PBPoints.encode({ arr: points.map((point) => message(point, isFloat)) }).finish();
}

function message({ measurement, time, tags, fields }: Point, isFloat: IsFloat): object {
  const entries = new Map<string, object>();
  for (const [name, value] of Object.entries(fields)) {
    const key = fieldKey(name);
    const typed = fieldOf(value, isFloat(measurement, name));
    if (typed !== undefined) entries.set(key, { key, ...typed });
  }
  // A key stands once in a point; where a tag and a field share it, the tag is what identifies the series.
  for (const [name, value] of Object.entries(tags)) {
    const key = fieldKey(name);
    entries.set(key, { key, s: tagValue(value), isTag: true });
  }
  return { name: measurement, time: int64(time), fields: [...entries.values()] };
}

function fieldOf(value: FieldValue, float: boolean): object | undefined {
  switch (typeof value) {
    case "string":
      return { s: value };
    case "boolean":
      return { b: value };
    case "bigint":
      return { i: int64(value) };
    case "number":
      if (!Number.isFinite(value)) return undefined;
      return Number.isInteger(value) && !float ? { i: value } : { f: value };
  }
}

/** protobufjs takes the two halves of what does not fit a number. */
const int64 = (value: bigint): object => ({
  low: Number(BigInt.asIntN(32, value)),
  high: Number(BigInt.asIntN(32, value >> 32n)),
  unsigned: false,
});
