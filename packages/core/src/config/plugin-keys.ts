// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { didYouMean } from "../internal/near.js";
import type { Plugin } from "../plugin.js";
import { readText, saysNothing } from "./coerce.js";
import type { ConfigNotice } from "./config.js";
import { coreKeys, ignoredKeys, isCoreKey } from "./core-keys.js";
import { isTable } from "./plain.js";
import type { Setting } from "./setting.js";

const hasKey = (plugin: Plugin, key: string): boolean => Object.hasOwn(plugin.config.shape, key);

/**
 * Gives every setting to the plugins it belongs to. A key stands flat, as in `ebpf.conf`, and then means every plugin that
 * declares it; or in a table with the plugin's name, which says more and wins over a flat key of the same file.
 * @throws SkepError `SKEP_ERR_CONFIG_UNKNOWN_KEY` naming where, and the nearest key there is.
 */
export function sortSettings(
  settings: readonly Setting[],
  known: readonly Plugin[],
): { plugins: Map<string, Setting[]>; notices: ConfigNotice[] } {
  const plugins = new Map<string, Setting[]>(known.map(({ name }) => [name, []]));
  const notices: ConfigNotice[] = [];
  const tables = settings.filter(({ key, value }) => plugins.has(key) && isTable(value));
  const flat = settings.filter((setting) => !tables.includes(setting) && !isCoreKey(setting.key));
  const inFile = ({ source }: Setting) => source === "file";

  const giveFlat = (setting: Setting) => {
    const owners = known.filter((plugin) => hasKey(plugin, setting.key));
    for (const { name } of owners) plugins.get(name)?.push(setting);
    if (owners.length > 0) return;
    const why = ignoredKeys.get(setting.key);
    if (why === undefined) throw unknownKey(setting, known);
    if (setting.key !== "args" && !isNeutral(setting.value)) {
      notices.push({ key: setting.key, where: setting.where, message: `${setting.key} ${why}` });
    }
  };

  flat.filter(inFile).forEach(giveFlat);
  for (const table of tables) {
    const plugin = known.find(({ name }) => name === table.key)!;
    for (const [key, value] of Object.entries(table.value as object)) {
      const setting = { ...table, key, value, table: plugin.name };
      if (!hasKey(plugin, key)) throw unknownKey(setting, [plugin]);
      plugins.get(plugin.name)?.push(setting);
    }
  }
  flat.filter((setting) => !inFile(setting)).forEach(giveFlat);
  return { plugins, notices };
}

/**
 * What the plugin's schema makes of its settings; later ones win.
 * @throws SkepError `SKEP_ERR_CONFIG` naming plugin, key and where it was set.
 */
export function pluginConfig(plugin: Plugin, settings: readonly Setting[]): unknown {
  const meant = settings.filter((setting) => !saysNothing(setting, plugin.config.shape[setting.key]!));
  const last = new Map(meant.map((setting) => [setting.key, setting]));
  const values = [...last].map(([key, { value, isText, where }]) => {
    const schema = plugin.config.shape[key]!;
    return [key, isText ? readText(value as string | string[], schema, where) : value];
  });
  const result = plugin.config.safeParse(Object.fromEntries(values));
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => {
    const where = last.get(String(path[0]))?.where;
    return `${where === undefined ? "" : `${where}: `}${path.join(".")}: ${message}`;
  });
  throw new SkepError("SKEP_ERR_CONFIG", `configuration of plugin ${plugin.name} is wrong: ${wrong.join("; ")}`, {
    plugin: plugin.name,
    cause: result.error,
  });
}

function unknownKey({ key, where, table }: Setting, plugins: readonly Plugin[]): SkepError {
  const keys = plugins.flatMap(({ name, config }) => [...Object.keys(config.shape), ...(table ? [] : [name])]);
  const candidates = table === undefined ? [...keys, ...Object.keys(coreKeys), ...ignoredKeys.keys()] : keys;
  const hint = didYouMean(key, candidates);
  const of = table === undefined ? "" : ` of plugin ${table}`;
  return new SkepError("SKEP_ERR_CONFIG_UNKNOWN_KEY", `${where}: there is no key ${key}${of}`, {
    hint: hint ?? "keys of a plugin that is not enabled are unknown",
  });
}

/** Values that ask for nothing: ignoring them needs no words. */
function isNeutral(value: unknown): boolean {
  return value === false || value === "" || (Array.isArray(value) && value.length === 0);
}
