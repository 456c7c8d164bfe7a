// SPDX-License-Identifier: MIT
// Schemas for the kinds of values that configuration has besides zod's own. An empty text is as good as none.

import { z } from "zod";
import { parseDuration } from "./duration.js";
import { parseSize } from "./size.js";

type Input = string | number;

/** A schema for text in a notation of its own: `read` returns undefined for what it cannot read, and `example` is what it can. */
function notation<T>(read: (value: Input) => T | undefined, what: string) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const result = read(value);
    if (result !== undefined) return result;
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is no ${what}` });
    return z.NEVER;
  });
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && value > 0 ? value : undefined;

/** Milliseconds, from `60s`, `1m30s` or seconds. */
export const duration = () => notation((value) => positive(parseDuration(value)), 'duration such as "60s" or "1m30s"');

/** Bytes, or bytes per second, from `512MiB`, `2GB`, `10MB/s`. */
export const size = () => notation((value) => positive(parseSize(value)), 'size such as "512MiB" or "2GB"');

/** A limit: like `size`, but nothing and 0 are none. */
export const sizeLimit = () =>
  notation<number>((value) => (value === "" ? 0 : parseSize(value)), 'size such as "512MiB" or "2GB"').transform(
    noLimit,
  );

/** A number above 0 that may be written as text; nothing and 0 are none. */
export const numberLimit = (most = Infinity) =>
  notation<number>(
    (value) => {
      const number = value === "" ? 0 : Number(value);
      return number >= 0 && number <= most ? number : undefined;
    },
    `number ${most === Infinity ? "above 0" : `between 0 and ${most}`}`,
  ).transform(noLimit);

/** Text that may be missing. */
export const optionalText = () =>
  z
    .string()
    .transform((value) => (value === "" ? undefined : value))
    .optional();

function noLimit(value: number): number | undefined {
  return value === 0 ? undefined : value;
}
