// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";
import { assertApi } from "../registry/api-version.js";
import { serviceName } from "../service.js";
import type { PluginEntry } from "./options.js";
import type { Surroundings } from "./surroundings.js";

/**
 * What can be told before anything is loaded: the contract's version, the configuration, the services it cannot do without.
 * Returns the configuration as the plugin's schema made it.
 */
export function checkPlugin({ plugin, config }: PluginEntry, surroundings: Surroundings): unknown {
  assertApi(plugin.api, `plugin ${plugin.name}`);
  const parsed = parseConfig(plugin, config);
  for (const id of plugin.uses ?? []) {
    if (!surroundings.services.has(id)) throw missing(plugin, serviceName(id), surroundings);
  }
  return parsed;
}

/** @throws SkepError `SKEP_ERR_CONFIG` naming plugin and key. */
export function parseConfig(plugin: Plugin, config: unknown): unknown {
  const result = plugin.config.safeParse(config ?? {});
  if (result.success) return result.data;
  const wrong = result.error.issues.map((issue) => `${issue.path.join(".") || "(all)"}: ${issue.message}`);
  throw new SkepError("SKEP_ERR_CONFIG", `configuration of plugin ${plugin.name} is wrong: ${wrong.join("; ")}`, {
    plugin: plugin.name,
    phase: "check",
    cause: result.error,
  });
}

function missing(plugin: Plugin, service: string, { providerOf }: Surroundings): SkepError {
  const provider = providerOf(service);
  const why =
    provider === undefined
      ? "which no enabled plugin provides"
      : `which plugin ${provider.name} provides, and that is ${provider.state}`;
  return new SkepError("SKEP_ERR_SERVICE_MISSING", `plugin ${plugin.name} needs the service ${service}, ${why}`, {
    plugin: plugin.name,
    phase: "check",
    ...(provider === undefined && { hint: "add a plugin that provides it to enabled_plugins" }),
  });
}
