// SPDX-License-Identifier: MIT

/**
 * A parser's result as plain data, so that schemas see the same whichever format it was: parsers bring BigInts, dates of their own
 * classes and objects with prototypes. Integers below 2^53 become numbers, larger ones stay BigInts, dates become text.
 */
export function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]));
}

export const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
