// SPDX-License-Identifier: MIT

import { definePlugin, loadConfig, type Config, type ConfigSchema, type FlagValue, type Plugin } from "@skep/core";
import { builtins, createRegistry, isOfUse, supportFor } from "./plugins.js";
import { leftOut, sections } from "./sections.js";

/** Where the configuration of a run comes from, besides the environment. */
export interface ConfigRequest {
  readonly options: { readonly config?: string };
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly command: readonly string[] | undefined;
}

/**
 * The configuration of a run: flags > environment > file > defaults. Its plugins are those of `enabled_plugins`, then those that
 * support them.
 *
 * With a COMMAND, `loopback` defaults to true: whoever asks what one command does wants all of it, and half of a test's traffic
 * stays on the loopback device. For a whole host the plugin's own default holds.
 */
export async function loadRunConfig({ options, flags, command }: ConfigRequest): Promise<Config> {
  const registry = createRegistry();
  let support: readonly Plugin[] = [];
  const config = await loadConfig({
    ...(options.config === undefined ? {} : { file: options.config }),
    env: process.env,
    flags,
    known: builtins,
    sections,
    leftOut,
    plugins: async (enabled) => {
      const named = await registry.resolve(enabled);
      support = supportFor(named);
      return [
        ...(command === undefined ? named : named.map((plugin) => withDefault(plugin, "loopback", true))),
        ...support,
      ];
    },
  });
  const isMeant = (plugin: Plugin) => !support.includes(plugin) || isOfUse(plugin, config.plugins.get(plugin.name));
  return { ...config, resolved: config.resolved.filter(isMeant) };
}

/** The same plugin with another default for one key of its configuration, if it has that key. */
function withDefault(plugin: Plugin, key: string, value: unknown): Plugin {
  const schema = plugin.config as ConfigSchema<unknown> & { extend?(shape: object): ConfigSchema<unknown> };
  const current = schema.shape[key];
  if (current === undefined || schema.extend === undefined) return plugin;
  return definePlugin({ ...plugin, config: schema.extend({ [key]: current.default(value) }) });
}
