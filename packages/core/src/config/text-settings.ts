// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import type { ConfigSources, FlagValue } from "./config.js";
import type { Setting } from "./setting.js";

const prefix = "ENV_INPUT_EBPF_";

/** Names that variables and flags have for keys that are called otherwise in the file. */
const aliases: Readonly<Record<string, string>> = {
  enabled: "enabled_plugins",
  trace_allprocess: "trace_all_process",
  res_cpu: "cpu_limit",
  res_mem: "mem_limit",
  res_net: "net_limit",
  res_bandwidth: "net_limit",
  sampling_rate_ptspermin: "sampling_rate_pts_per_min",
  sampling_rate_ptsperminute: "sampling_rate_pts_per_min",
};

const keyOf = (name: string): string => {
  const key = name.toLowerCase().replaceAll("-", "_");
  return aliases[key] ?? key;
};

/** The `ENV_INPUT_EBPF_<KEY>` variables. */
export function environmentSettings(env: ConfigSources["env"] = {}): Setting[] {
  return Object.entries(env).flatMap(([name, value]): Setting[] =>
    name.startsWith(prefix) && name.length > prefix.length && value !== undefined
      ? [{ key: keyOf(name.slice(prefix.length)), value, isText: true, where: name, source: "environment" }]
      : [],
  );
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
