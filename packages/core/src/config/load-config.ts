// SPDX-License-Identifier: MIT

import type { z } from "zod";
import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";
import { unknownPlugin } from "../registry/unknown-plugin.js";
import { readText, saysNothing } from "./coerce.js";
import type { Config, ConfigSources } from "./config.js";
import { coreKeys, type CoreKey } from "./core-keys.js";
import { fileSettings } from "./file-settings.js";
import { clampInterval } from "./interval.js";
import { pluginConfig, sortSettings } from "./plugin-keys.js";
import type { Setting } from "./setting.js";
import { argsSettings, environmentSettings, flagSettings } from "./text-settings.js";

/** What runs when nobody says. */
const defaultPlugins = ["ebpf-net"];

/**
 * Reads, merges and validates configuration: flags over environment over file over defaults. A list replaces the list below it;
 * `tags` are merged name by name.
 * @throws SkepError `SKEP_ERR_CONFIG_SYNTAX`, `SKEP_ERR_CONFIG_UNKNOWN_KEY`, `SKEP_ERR_CONFIG` or `SKEP_ERR_PLUGIN_UNKNOWN`; the
 * message names file and line, variable or flag.
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const file = await fileSettings(sources);
  const settings = [
    ...file.settings,
    ...argsSettings(file.settings),
    ...environmentSettings(sources.env),
    ...flagSettings(sources.flags),
  ];
  const core = coreValues(settings);
  const enabled = [...new Set(core.enabled_plugins.length === 0 ? defaultPlugins : core.enabled_plugins)];
  const resolved = await resolve(sources, enabled);
  const offered = typeof sources.plugins === "function" ? [] : sources.plugins;
  const known = new Set([...resolved, ...offered, ...(sources.known ?? [])]);

  const sorted = sortSettings(settings, [...known]);
  const interval = clampInterval(core.interval, settings);
  return {
    ...core,
    enabled_plugins: enabled,
    interval: interval.ms,
    resolved,
    plugins: new Map(
      resolved.map((plugin) => [plugin.name, pluginConfig(plugin, sorted.plugins.get(plugin.name) ?? [])]),
    ),
    notices: [...file.notices, ...sorted.notices, ...interval.notices],
  };
}

type CoreValues = { readonly [K in CoreKey]: z.output<(typeof coreKeys)[K]> };

function coreValues(settings: readonly Setting[]): CoreValues {
  const values: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(coreKeys)) {
    const given = settings.filter((setting) => setting.key === key && !saysNothing(setting, schema));
    const raw = given.map((setting) => checked(schema, setting));
    values[key] = key === "tags" ? Object.assign({}, ...raw) : raw.length > 0 ? raw.at(-1) : schema.parse(undefined);
  }
  return values as CoreValues;
}

function checked(schema: z.ZodType, { key, value, isText, where }: Setting): unknown {
  const result = schema.safeParse(isText ? readText(value as string | string[], schema, where) : value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => [[key, ...issue.path].join("."), issue.message].join(": "));
  throw new SkepError("SKEP_ERR_CONFIG", `${where}: ${issues.join("; ")}`, { cause: result.error });
}

async function resolve({ plugins }: ConfigSources, enabled: readonly string[]): Promise<readonly Plugin[]> {
  if (typeof plugins === "function") return plugins(enabled);
  return enabled.map((name) => {
    const plugin = plugins.find((candidate) => candidate.name === name);
    if (plugin === undefined)
      throw unknownPlugin(
        name,
        plugins.map((candidate) => candidate.name),
      );
    return plugin;
  });
}
