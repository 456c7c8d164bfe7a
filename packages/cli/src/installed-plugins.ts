// SPDX-License-Identifier: MIT

import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";

const isPluginName = (name: string): boolean => name.startsWith("skep-plugin-");

/**
 * Names of plugin packages (`skep-plugin-*`, `@scope/skep-plugin-*`) in the `node_modules` folders that `directory` sees, nearest
 * first. Only names: nothing is imported.
 */
export async function installedPlugins(directory: string): Promise<readonly string[]> {
  const names = new Set<string>();
  for (let folder = directory; ; folder = dirname(folder)) {
    const modules = join(folder, "node_modules");
    for (const entry of await list(modules)) {
      if (isPluginName(entry)) names.add(entry);
      if (entry.startsWith("@")) {
        for (const inner of await list(join(modules, entry))) if (isPluginName(inner)) names.add(`${entry}/${inner}`);
      }
    }
    if (folder === dirname(folder)) return [...names];
  }
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
