// SPDX-License-Identifier: MIT
// Shapes of untrusted JSON. All throw `SKEP_ERR_RECORDING`; `what` names the place in the message.

import type { Layout } from "@skep/core";
import { malformed } from "./malformed.js";

/** An object of JSON; `__proto__` and its like are keys as any other. */
export function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

export function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw malformed(`${what} is no string`);
  return value;
}

/** A count or size: a whole number that is not negative. */
export function count(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed(`${what} is no count`);
  return value;
}

export function array(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(`${what} is no list`);
  return value;
}

/** @throws SkepError `SKEP_ERR_RECORDING` when `value` is no layout. */
export function layout(value: unknown): Layout {
  const plain = object(value, "layout");
  return {
    struct: text(plain["struct"], "layout.struct"),
    size: count(plain["size"], "layout.size"),
    fields: array(plain["fields"], "layout.fields").map((entry) => {
      const field = object(entry, "layout.fields");
      return {
        name: text(field["name"], "field.name"),
        offset: count(field["offset"], "field.offset"),
        size: count(field["size"], "field.size"),
      };
    }),
  };
}
