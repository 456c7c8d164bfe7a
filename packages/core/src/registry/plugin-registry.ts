// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";
import type { Plugin } from "../plugin.js";
import { assertApi } from "./api-version.js";
import { findPackage, packageNames, type FoundPackage } from "./package-lookup.js";
import { assertPlugin } from "./plugin-shape.js";
import { unknownPlugin } from "./unknown-plugin.js";

/** Finds plugins by the names of `enabled_plugins`. */
export interface PluginRegistry {
  /** Names of the registered plugins. */
  readonly names: readonly string[];
  /**
   * Registered plugins first, then npm packages (`skep-plugin-<name>`, `@scope/skep-plugin-<name>`, the name itself) and paths.
   * Keeps the order of `names`; a name that stands twice counts once.
   * @throws SkepError `SKEP_ERR_PLUGIN_UNKNOWN`, `SKEP_ERR_PLUGIN_API` (before any code of the package runs),
   * `SKEP_ERR_PLUGIN_SHAPE`, `SKEP_ERR_PLUGIN_DUPLICATE`, or `SKEP_ERR_PLUGIN_FAILED` when importing it throws.
   */
  resolve(names: readonly string[]): Promise<readonly Plugin[]>;
}

export interface PluginRegistryOptions {
  /** Plugins that need no look-up. */
  readonly builtins?: readonly Plugin[];
  /** Directory from which packages and relative paths are resolved. Default: the working directory. */
  readonly from?: string;
}

/**
 * Makes a registry. Nothing is looked up before `resolve`.
 * @throws SkepError `SKEP_ERR_PLUGIN_DUPLICATE` when two built-in plugins have one name.
 */
export function createPluginRegistry(options: PluginRegistryOptions = {}): PluginRegistry {
  const { builtins = [], from = process.cwd() } = options;
  const names = builtins.map(({ name }) => name);
  assertDistinct(builtins);

  const resolveOne = async (name: string): Promise<Plugin> => {
    const builtin = builtins.find((plugin) => plugin.name === name);
    if (builtin !== undefined) return builtin;
    const found = await findPackage(name, from);
    if (found === undefined) throw unknownPlugin(name, names, packageNames(name));
    return importPlugin(found);
  };

  return {
    names,
    resolve: async (wanted) => {
      const plugins = await Promise.all([...new Set(wanted)].map(resolveOne));
      assertDistinct(plugins);
      return plugins;
    },
  };
}

async function importPlugin({ label, api, entry }: FoundPackage): Promise<Plugin> {
  if (api !== undefined) assertApi(api, `package ${label}`);
  const plugin = defaultExportOf(await importEntry(label, entry));
  assertPlugin(plugin, `the default export of ${label}`);
  assertApi(plugin.api, `plugin ${plugin.name} of ${label}`);
  return plugin;
}

async function importEntry(label: string, entry: URL): Promise<unknown> {
  try {
    return await import(entry.href);
  } catch (cause) {
    throw new SkepError("SKEP_ERR_PLUGIN_FAILED", `package ${label} cannot be imported: ${messageOf(cause)}`, {
      plugin: label,
      phase: "import",
      cause,
    });
  }
}

/** A CommonJS module compiled from TypeScript has its default export one level further down. */
function defaultExportOf(module: unknown): unknown {
  const { default: first } = module as { default?: unknown };
  const second = typeof first === "object" && first !== null ? (first as { default?: unknown }).default : undefined;
  return second ?? first;
}

function assertDistinct(plugins: readonly Plugin[]): void {
  const names = new Set<string>();
  for (const { name } of plugins) {
    if (names.has(name)) throw new SkepError("SKEP_ERR_PLUGIN_DUPLICATE", `two plugins have the name ${name}`);
    names.add(name);
  }
}
