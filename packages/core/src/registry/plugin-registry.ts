// SPDX-License-Identifier: MIT

import type { Plugin } from "../plugin.js";

/** Finds plugins by the names of `enabled_plugins`. */
export interface PluginRegistry {
  /** Names of the registered plugins. */
  readonly names: readonly string[];
  /** Registered plugins first, then npm packages and paths. Keeps the order of `names`. */
  resolve(names: readonly string[]): Promise<readonly Plugin[]>;
}

export interface PluginRegistryOptions {
  /** Plugins that need no look-up. */
  readonly builtins?: readonly Plugin[];
  /** Directory from which packages and relative paths are resolved. Default: the working directory. */
  readonly from?: string;
}

/** Makes a registry. Nothing is looked up before `resolve`. */
export function createPluginRegistry(options: PluginRegistryOptions = {}): PluginRegistry {
  throw new Error(`not there yet: ${options.from}`);
}
