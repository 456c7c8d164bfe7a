// SPDX-License-Identifier: MIT

import { createPluginRegistry, serviceName, type Plugin, type PluginRegistry } from "@skep/core";
import { bash } from "@skep/plugin-bash";
import { conntrack } from "@skep/plugin-conntrack";
import { findApiServer, kubernetes, kubernetesConfig } from "@skep/plugin-kubernetes";
import { net } from "@skep/plugin-net";
import { processes } from "@skep/plugin-process";
import { trace } from "@skep/plugin-trace";

/** Plugins that come with the command. */
export const builtins: readonly Plugin[] = [net, bash, conntrack, processes, kubernetes, trace];

/** Those that run when they are named and only then, although others would see better with them: NAT costs something per connection. */
const onlyWhenNamed: ReadonlySet<Plugin> = new Set([conntrack]);

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
    measurements.length === 0 && (provides.length > 0 ? provides : uses).some((id) => wanted.has(serviceName(id)));
  const isEnabled = (plugin: Plugin) => enabled.some(({ name }) => name === plugin.name);
  return builtins.filter((plugin) => supports(plugin) && !onlyWhenNamed.has(plugin) && !isEnabled(plugin));
}

/** Plugins that can do nothing where something is missing, and how to know before they start. */
const conditions: ReadonlyMap<Plugin, (config: unknown) => boolean> = new Map([
  [kubernetes, (config: unknown) => findApiServer(kubernetesConfig.parse(config), process.env) !== undefined],
]);

/**
 * False for a plugin that is better left out, silently, unless somebody named it: Kubernetes tags on a host of no cluster.
 * @param config of the plugin, checked
 */
export const isOfUse = (plugin: Plugin, config: unknown = {}): boolean => conditions.get(plugin)?.(config) ?? true;
