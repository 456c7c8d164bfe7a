// SPDX-License-Identifier: MIT

import type { z } from "zod";
import { SkepError } from "../errors.js";
import { didYouMean } from "../internal/near.js";
import { variablesBegin } from "./aliases.js";
import { readText, saysNothing } from "./coerce.js";
import type { ConfigNotice } from "./config.js";
import { coreKeys, isCoreKey } from "./core-keys.js";
import { leftOutKeys } from "./left-out.js";
import { isTable } from "./plain.js";
import type { ConfigSection } from "./section.js";
import type { Setting } from "./setting.js";

const hasKey = (section: ConfigSection, key: string): boolean => Object.hasOwn(section.config.shape, key);

/**
 * Gives every setting to the sections it belongs to. A key stands flat, as in `ebpf.conf`, and then means every section that
 * declares it; or in a table with the section's name, which says more and wins over a flat key of the same file.
 * @throws SkepError `SKEP_ERR_CONFIG_UNKNOWN_KEY` naming where, and the nearest key there is; `SKEP_ERR_CONFIG` for a key that is
 * ignored and yet has a value of the wrong kind.
 */
export function sortSettings(
  settings: readonly Setting[],
  known: readonly ConfigSection[],
): { sections: Map<string, Setting[]>; notices: ConfigNotice[] } {
  const sections = new Map<string, Setting[]>(known.map(({ name }) => [name, []]));
  const notices: ConfigNotice[] = [];
  const tables = settings.filter(({ key, value }) => sections.has(key) && isTable(value));
  const flat = settings.filter((setting) => !tables.includes(setting) && !isCoreKey(setting.key));
  const inFile = ({ source }: Setting) => source === "file";

  const giveFlat = (setting: Setting) => {
    const owners = known.filter((section) => hasKey(section, setting.key));
    for (const { name } of owners) sections.get(name)?.push(setting);
    if (owners.length > 0) return;
    const leftOut = Object.hasOwn(leftOutKeys, setting.key) ? leftOutKeys[setting.key] : undefined;
    if (leftOut === undefined) {
      // A variable of another program may well mean a key that no plugin here has.
      if (setting.source === "environment" && !setting.where.startsWith(variablesBegin)) return;
      throw unknownKey(setting, known);
    }
    if (saysNothing(setting, leftOut.schema)) return;
    const value = checked(leftOut.schema, setting);
    if (setting.key !== "args" && !isNeutral(value)) {
      notices.push({ key: setting.key, where: setting.where, message: `${setting.key} ${leftOut.why}` });
    }
  };

  flat.filter(inFile).forEach(giveFlat);
  for (const table of tables) {
    const section = known.find(({ name }) => name === table.key)!;
    for (const [key, value] of Object.entries(table.value as object)) {
      const setting = { ...table, key, value, table: section.name };
      if (!hasKey(section, key)) throw unknownKey(setting, [section]);
      sections.get(section.name)?.push(setting);
    }
  }
  flat.filter((setting) => !inFile(setting)).forEach(giveFlat);
  return { sections, notices };
}

/** What `schema` makes of one setting. @throws SkepError `SKEP_ERR_CONFIG` naming where, key and what would be right */
export function checked(schema: z.ZodType, { key, value, isText, where }: Setting): unknown {
  const result = schema.safeParse(isText ? readText(value as string | string[], schema, where) : value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => [[key, ...issue.path].join("."), issue.message].join(": "));
  throw new SkepError("SKEP_ERR_CONFIG", `${where}: ${issues.join("; ")}`, { cause: result.error });
}

/**
 * What the schema of a plugin or another section makes of its settings; later ones win.
 * @throws SkepError `SKEP_ERR_CONFIG` naming plugin, key and where it was set.
 */
export function sectionConfig(section: ConfigSection, settings: readonly Setting[]): unknown {
  const meant = settings.filter((setting) => !saysNothing(setting, section.config.shape[setting.key]!));
  const last = new Map(meant.map((setting) => [setting.key, setting]));
  const values = [...last].map(([key, { value, isText, where }]) => {
    const schema = section.config.shape[key]!;
    return [key, isText ? readText(value as string | string[], schema, where) : value];
  });
  const result = section.config.safeParse(Object.fromEntries(values));
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => {
    const where = last.get(String(path[0]))?.where;
    return `${where === undefined ? "" : `${where}: `}${path.join(".")}: ${message}`;
  });
  throw new SkepError("SKEP_ERR_CONFIG", `configuration of ${section.name} is wrong: ${wrong.join("; ")}`, {
    plugin: section.name,
    cause: result.error,
  });
}

function unknownKey({ key, where, table }: Setting, sections: readonly ConfigSection[]): SkepError {
  const keys = sections.flatMap(({ name, config }) => [...Object.keys(config.shape), ...(table ? [] : [name])]);
  const candidates = table === undefined ? [...keys, ...Object.keys(coreKeys), ...Object.keys(leftOutKeys)] : keys;
  const hint = didYouMean(key, candidates);
  const of = table === undefined ? "" : ` of ${table}`;
  return new SkepError("SKEP_ERR_CONFIG_UNKNOWN_KEY", `${where}: there is no key ${key}${of}`, {
    hint: hint ?? "keys of a plugin that is not enabled are unknown",
  });
}

/** Values that ask for nothing: ignoring them needs no words. */
function isNeutral(value: unknown): boolean {
  return value === undefined || value === false || value === "" || (Array.isArray(value) && value.length === 0);
}
