// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { keyOf, keyOfVariable, variablePrefixOf } from "./aliases.js";
import type { ConfigSources, FlagValue } from "./config.js";
import type { ConfigSection } from "./section.js";
import type { Setting } from "./setting.js";

/**
 * The `ENV_INPUT_<INPUT>_<KEY>` variables, before them (so that these win) variables of other names: the reference's, then those that
 * sections declare.
 */
export function environmentSettings(
  env: ConfigSources["env"] = {},
  sections: readonly ConfigSection[] = [],
  input?: string,
): Setting[] {
  const variablePrefix = variablePrefixOf(input);
  const declared = new Map(sections.flatMap((section) => Object.entries(section.env ?? {})));
  const named = (keyOfName: (variable: string) => string | undefined): Setting[] =>
    Object.entries(env).flatMap(([variable, value]): Setting[] => {
      const key = keyOfName(variable);
      if (key === undefined || value === undefined) return [];
      return [{ key, value, isText: true, where: variable, source: "environment" }];
    });
  const prefixed = (variable: string) =>
    variable.startsWith(variablePrefix) && variable.length > variablePrefix.length
      ? keyOf(variable.slice(variablePrefix.length))
      : undefined;
  return [...named((variable) => declared.get(variable)), ...named(keyOfVariable), ...named(prefixed)];
}

/** Flags somebody else has parsed. */
export function flagSettings(flags: Readonly<Record<string, FlagValue | undefined>> = {}): Setting[] {
  return Object.entries(flags).flatMap(([name, value]): Setting[] =>
    value === undefined ? [] : [flagSetting(name, value, `--${name.replaceAll("_", "-")}`, "flags")],
  );
}

/**
 * The command line that `args` of `ebpf.conf` spells out, such as `["--datakit-apiserver", "0.0.0.0:9529"]`.
 * @throws SkepError `SKEP_ERR_CONFIG` when it is no list of flags.
 */
export function argsSettings(settings: readonly Setting[]): Setting[] {
  return settings.filter(({ key }) => key === "args").flatMap(({ value, where }) => parseArgs(value, where));
}

function parseArgs(args: unknown, where: string): Setting[] {
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === "string")) {
    throw new SkepError("SKEP_ERR_CONFIG", `${where}: args must be a list of strings`);
  }
  const found: Setting[] = [];
  for (let i = 0; i < args.length; i++) {
    const match = /^--([\w-]+)(?:=(.*))?$/s.exec(args[i] as string);
    if (match === null) {
      const message = `${where}: args: ${JSON.stringify(args[i])} is no flag`;
      throw new SkepError("SKEP_ERR_CONFIG", message, { hint: 'args are written as ["--name", "value"]' });
    }
    const [, name, attached] = match;
    const next = args[i + 1] as string | undefined;
    const value = attached ?? (next === undefined || next.startsWith("--") ? true : next);
    if (attached === undefined && value !== true) i++;
    found.push(flagSetting(name!, value, `${where}: args: --${name}`, "args"));
  }
  return found;
}

function flagSetting(name: string, value: FlagValue, where: string, source: "flags" | "args"): Setting {
  const isText = typeof value === "string" || Array.isArray(value);
  return { key: keyOf(name), value, isText, where, source };
}
