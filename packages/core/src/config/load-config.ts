// SPDX-License-Identifier: MIT

import type { z } from "zod";
import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";
import { unknownPlugin } from "../registry/unknown-plugin.js";
import { saysNothing } from "./coerce.js";
import type { Config, ConfigNotice, ConfigSources } from "./config.js";
import { coreKeys, defaultPlugins, type CoreKey } from "./core-keys.js";
import { fileSettings } from "./file-settings.js";
import { clampInterval } from "./interval.js";
import { leftOutPlugins } from "./left-out.js";
import { checked, sectionConfig, sortSettings } from "./section-keys.js";
import type { ConfigSection } from "./section.js";
import type { Setting } from "./setting.js";
import { argsSettings, environmentSettings, flagSettings } from "./text-settings.js";

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
    ...environmentSettings(sources.env, sources.sections, sources.input),
    ...flagSettings(sources.flags),
  ];
  const core = coreValues(settings);
  const enabled = enabledPlugins(core.enabled_plugins, sources, settings);
  const resolved = await resolve(sources, enabled.names);
  const offered = typeof sources.plugins === "function" ? [] : sources.plugins;
  const sections = sources.sections ?? [];
  const plugins = new Set([...resolved, ...offered, ...(sources.known ?? [])]);

  const sorted = sortSettings(settings, [...plugins, ...sections]);
  const interval = clampInterval(core.interval, settings);
  const configOf = (of: readonly ConfigSection[]) =>
    new Map(of.map((section) => [section.name, sectionConfig(section, sorted.sections.get(section.name) ?? [])]));
  return {
    ...core,
    enabled_plugins: enabled.names,
    interval: interval.ms,
    resolved,
    plugins: configOf(resolved),
    sections: configOf(sections),
    notices: [...file.notices, ...enabled.notices, ...sorted.notices, ...interval.notices],
  };
}

/** Those to run, each once, without those that are left out. @throws SkepError `SKEP_ERR_PLUGIN_UNKNOWN` when none is left */
function enabledPlugins(
  named: readonly string[],
  { leftOut = {} }: ConfigSources,
  settings: readonly Setting[],
): { names: readonly string[]; notices: readonly ConfigNotice[] } {
  const reasons: Readonly<Record<string, string>> = { ...leftOutPlugins, ...leftOut };
  const wanted = [...new Set(named.length === 0 ? defaultPlugins : named)];
  const [names, missing] = [wanted.filter((name) => !(name in reasons)), wanted.filter((name) => name in reasons)];
  const key = "enabled_plugins";
  const where = settings.findLast((setting) => setting.key === key)?.where ?? key;
  const notices = missing.map((name) => ({ key, where, message: `${name} ${reasons[name]}` }));
  if (names.length > 0) return { names, notices };
  throw new SkepError("SKEP_ERR_PLUGIN_UNKNOWN", `${where}: ${notices.map(({ message }) => message).join("; ")}`, {
    hint: "enable another plugin",
  });
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
