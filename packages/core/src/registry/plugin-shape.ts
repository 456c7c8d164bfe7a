// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";

const isText = (value: unknown) => typeof value === "string" && value !== "";
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const isFunction = (value: unknown) => typeof value === "function";
const isOptional = (check: (value: unknown) => boolean) => (value: unknown) => value === undefined || check(value);

/** Member of a plugin -> what it must be, in words and as a check. */
const members: Readonly<Record<keyof Plugin, readonly [string, (value: unknown) => boolean]>> = {
  api: ["a version such as 1.0", isText],
  name: ["a name", isText],
  version: ["a version", isText],
  description: ["a description", isText],
  config: ["a zod object", (value) => isObject(value) && isFunction((value as { safeParse?: unknown }).safeParse)],
  measurements: ["a list", Array.isArray],
  objects: ["an object", isObject],
  probes: ["an object", isObject],
  streams: ["an object", isObject],
  layouts: ["a list", isOptional(Array.isArray)],
  capabilities: ["a list", Array.isArray],
  provides: ["a list", isOptional(Array.isArray)],
  uses: ["a list", isOptional(Array.isArray)],
  optionallyUses: ["a list", isOptional(Array.isArray)],
  load: ["a function", isOptional(isFunction)],
  setup: ["a function", isFunction],
};

/**
 * Recognises a plugin by its shape, never by identity: it may have been made by another copy of core.
 * @param where names the value in the message, such as the package it came from
 * @throws SkepError `SKEP_ERR_PLUGIN_SHAPE` saying what is missing.
 */
export function assertPlugin(value: unknown, where: string): asserts value is Plugin {
  const candidate = isObject(value) ? (value as Record<string, unknown>) : undefined;
  const wrong = Object.entries(members).flatMap(([member, [kind, check]]) =>
    candidate !== undefined && check(candidate[member]) ? [] : [`${member} (${kind})`],
  );
  if (wrong.length === 0) return;
  const what = candidate === undefined ? "is no plugin" : `is no plugin: missing or wrong are ${wrong.join(", ")}`;
  throw new SkepError("SKEP_ERR_PLUGIN_SHAPE", `${where} ${what}`, {
    hint: "a plugin is the default export of its package, made with definePlugin({ ... })",
  });
}
