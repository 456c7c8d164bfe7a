// SPDX-License-Identifier: MIT

import type { z } from "zod";
import { SkepError } from "../errors.js";
import type { Setting } from "./setting.js";

const falsehoods: ReadonlySet<string> = new Set(["", "f", "false", "FALSE", "False", "0"]);

/**
 * Reads the text of a variable or flag as the type its key has: booleans as the reference does (`""`, `f`, `false`, `FALSE`,
 * `False` and `0` are false, anything else is true), lists split at commas, tables as `k=v` split at commas or semicolons. What
 * does not fit is left as text for the schema to refuse.
 * @param text a list when a flag was repeated
 * @throws SkepError `SKEP_ERR_CONFIG` for a table entry without `=`.
 */
export function readText(text: string | readonly string[], schema: z.ZodType, where: string): unknown {
  const parts = typeof text === "string" ? [text] : text;
  const last = parts.at(-1) ?? "";
  switch (kindOf(schema)) {
    case "boolean":
      return !falsehoods.has(last);
    case "array":
      return parts.flatMap((part) => split(part, ","));
    case "record":
      return Object.fromEntries(
        parts.flatMap((part) => split(part, /[,;]/)).map((entry) => pair(entry, where, schema)),
      );
    case "number":
      return last.trim() === "" || Number.isNaN(Number(last)) ? last : Number(last);
    default:
      return last;
  }
}

/** A variable that is set to nothing says nothing, unless the reference made it mean `false`. */
export const saysNothing = ({ source, value }: Setting, schema: z.ZodType): boolean =>
  source === "environment" && value === "" && kindOf(schema) !== "boolean";

const split = (text: string, separator: string | RegExp): string[] =>
  text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** Values of such keys are never logged or quoted in errors: their schemas say `.meta({ writeOnly: true })`. */
export const isSecret = (schema: z.ZodType): boolean => schema.meta()?.["writeOnly"] === true;

function pair(entry: string, where: string, schema: z.ZodType): [string, string] {
  const at = entry.indexOf("=");
  if (at <= 0) {
    const what = isSecret(schema) ? "an entry" : JSON.stringify(entry);
    throw new SkepError("SKEP_ERR_CONFIG", `${where}: ${what} is not name=value`, {
      hint: "write name=value,other=value",
    });
  }
  return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
}

/** What a schema takes in, below defaults and the like. Another validator than zod 4 says nothing, and then text stays text. */
function kindOf(schema: z.ZodType | undefined): string {
  const def = schema?.def as { type?: string; innerType?: z.ZodType; in?: z.ZodType; out?: z.ZodType } | undefined;
  if (def?.innerType !== undefined) return kindOf(def.innerType);
  if (def?.type !== "pipe") return def?.type ?? "unknown";
  const inner = kindOf(def.in);
  return inner === "transform" ? kindOf(def.out) : inner;
}
