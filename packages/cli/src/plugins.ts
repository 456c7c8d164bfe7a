// SPDX-License-Identifier: MIT

import { createPluginRegistry, serviceName, type Plugin, type PluginRegistry } from "@skep/core";
import { net } from "@skep/plugin-net";
import { processes } from "@skep/plugin-process";

/** Plugins that come with the command. */
export const builtins: readonly Plugin[] = [net, processes];

/** Plugins of the command, then those installed where it is run. */
export const createRegistry = (): PluginRegistry => createPluginRegistry({ builtins, from: process.cwd() });

/**
 * Built-in plugins that nobody named but that make those named see better: they emit no points and provide or feed a service that
 * an enabled plugin uses.
 */
export function supportFor(enabled: readonly Plugin[]): readonly Plugin[] {
  const wanted = new Set(
    enabled.flatMap(({ uses = [], optionallyUses = [] }) => [...uses, ...optionallyUses]).map(serviceName),
  );
  const supports = ({ measurements, uses = [], provides = [] }: Plugin) =>
    measurements.length === 0 && [...uses, ...provides].some((id) => wanted.has(serviceName(id)));
  return builtins.filter((plugin) => supports(plugin) && !enabled.some(({ name }) => name === plugin.name));
}
