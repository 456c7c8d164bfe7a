// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";

/** A point as plain JSON with its keys in order: what stands in a `*.expected.ndjson`. 64-bit integers are text with an `n`. */
export type PlainPoint = Readonly<Record<string, unknown>>;

export function plainPoint(point: Point): PlainPoint {
  return {
    measurement: point.measurement,
    time: String(point.time),
    tags: sorted(point.tags),
    fields: sorted(point.fields),
  };
}

export const pointsToText = (points: readonly PlainPoint[]): string =>
  points.map((point) => `${JSON.stringify(point)}\n`).join("");

export const pointsOfText = (text: string): PlainPoint[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as PlainPoint);

function sorted(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(values).map(([key, value]): [string, unknown] => [
    key,
    typeof value === "bigint" ? `${value}n` : value,
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
