// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";

/** Makes a point comparable; undefined leaves it out. */
export type Normalise = (point: Point) => Point | undefined;

/** One after another. */
export const inOrder =
  (...steps: readonly Normalise[]): Normalise =>
  (point) =>
    steps.reduce<Point | undefined>((current, step) => current && step(current), point);

/** Replaces the values of tags and fields that differ from run to run; where they are absent they stay absent. */
export const mask =
  (...names: readonly string[]): Normalise =>
  (point) => ({
    ...point,
    tags: masked(point.tags, names, "*"),
    fields: masked(point.fields, names, 0),
  });

/** Counts time from the first point. */
export function relativeTime(): Normalise {
  let first: bigint | undefined;
  return (point) => {
    first ??= point.time;
    return { ...point, time: point.time - first };
  };
}

function masked<T>(values: Record<string, T>, names: readonly string[], by: T): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, names.includes(key) ? by : value]));
}
