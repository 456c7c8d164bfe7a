// SPDX-License-Identifier: MIT

import type { FlagValue } from "@skep/core";
import { SkepError } from "@skep/core";

/** A command line, taken apart before any option is understood. */
export interface CommandLine {
  /** Skep's own arguments, names of options with hyphens. */
  readonly own: readonly string[];
  /** What follows `--`; undefined when there is no `--`. */
  readonly command: readonly string[] | undefined;
}

/**
 * Splits at the first `--`. Option names before it may have underscores, as `ebpf.conf` writes its keys:
 * `--l7net_enabled=httpflow` is `--l7net-enabled=httpflow`.
 */
export function splitCommandLine(argv: readonly string[]): CommandLine {
  const end = argv.indexOf("--");
  const own = end < 0 ? argv : argv.slice(0, end);
  return {
    own: own.map((argument) => argument.replace(/^--[^=]+/, (name) => name.replaceAll("_", "-"))),
    command: end < 0 ? undefined : argv.slice(end + 1),
  };
}

/**
 * Options Skep itself does not know: keys of plugins, which may come from anywhere. `--key=value`, `--key value`, `--key` (true) and
 * `--no-key` (false); a repeated option is a list. Whether the key exists is for the configuration to say.
 * @throws SkepError `SKEP_ERR_CONFIG` for an argument that belongs to no option
 */
export function parsePluginFlags(args: readonly string[]): Record<string, FlagValue> {
  const flags: Record<string, FlagValue> = {};
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] ?? "";
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
    if (match?.[1] === undefined) {
      throw new SkepError("SKEP_ERR_CONFIG", `unexpected argument ${JSON.stringify(argument)}`, {
        hint: argument.startsWith("-") ? "skep run --help lists the options" : "a COMMAND to run goes after --",
      });
    }
    const [, name, attached] = match;
    const next = args[i + 1];
    if (attached !== undefined) addFlag(flags, name, attached);
    else if (name.startsWith("no-")) addFlag(flags, name.slice("no-".length), false);
    else if (next === undefined || next.startsWith("--")) addFlag(flags, name, true);
    else {
      addFlag(flags, name, next);
      i++;
    }
  }
  return flags;
}

function addFlag(flags: Record<string, FlagValue>, name: string, value: string | boolean): void {
  const before = flags[name];
  if (before === undefined || typeof value === "boolean") flags[name] = value;
  else flags[name] = [...(Array.isArray(before) ? (before as string[]) : [String(before)]), value];
}
