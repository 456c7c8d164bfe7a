// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";
import { assertPlugin } from "../registry/plugin-shape.js";
import type { PluginEntry } from "./options.js";
import { orderByServices } from "./service-order.js";

/**
 * The plugins of an agent in the order they start.
 * @throws SkepError for what no start could mend: `SKEP_ERR_PLUGIN_SHAPE`, `SKEP_ERR_PLUGIN_DUPLICATE`, `SKEP_ERR_SERVICE_CYCLE`.
 */
export function entriesInOrder(plugins: readonly (Plugin | PluginEntry)[]): PluginEntry[] {
  const entries = plugins.map((given): PluginEntry => ("plugin" in given ? given : { plugin: given }));
  const names = new Set<string>();
  for (const { plugin } of entries) {
    assertPlugin(plugin, `plugin ${(plugin as Partial<Plugin> | undefined)?.name ?? "without a name"}`);
    if (names.has(plugin.name)) {
      throw new SkepError("SKEP_ERR_PLUGIN_DUPLICATE", `two plugins have the name ${plugin.name}`, {
        plugin: plugin.name,
      });
    }
    names.add(plugin.name);
  }
  return orderByServices(entries);
}

/**
 * @param strategies probe group, or `plugin/group`, -> strategy
 * @throws SkepError `SKEP_ERR_CONFIG` when a name means no group or no strategy: it would be ignored in silence.
 */
export function assertStrategies(strategies: Readonly<Record<string, string>>, entries: readonly PluginEntry[]): void {
  const groups = entries.flatMap(({ plugin }) =>
    Object.entries(plugin.probes).map(([name, group]) => ({ name, group, full: `${plugin.name}/${name}` })),
  );
  for (const [wanted, strategy] of Object.entries(strategies)) {
    const meant = groups.filter(({ name, full }) => wanted === name || wanted === full);
    if (meant.length === 0) {
      throw new SkepError("SKEP_ERR_CONFIG", `strategy ${wanted}=${strategy}: no plugin has a probe group ${wanted}`, {
        hint: `the probe groups are ${groups.map(({ full }) => full).join(", ") || "none"}`,
      });
    }
    const known = meant.flatMap(({ group }) => group.strategies.map(({ name }) => name));
    if (!known.includes(strategy)) {
      const message = `strategy ${wanted}=${strategy}: the probe group ${wanted} has no strategy ${strategy}`;
      throw new SkepError("SKEP_ERR_CONFIG", message, { hint: `it has ${known.join(", ")}` });
    }
  }
}
