// SPDX-License-Identifier: MIT

import { z } from "zod";
import type { Plugin } from "@skep/core";
import { builtins } from "./plugins.js";

/** Keys of the configuration that are not a plugin's. */
const agentKeys: readonly (readonly [flag: string, description: string])[] = [
  ["--enabled <names>", "plugins to run, separated by commas (default: ebpf-net)"],
  ["--interval <duration>", "time between points of the same connection (default: 60s)"],
  ["--hostname <name>", "value of the tag host (default: this host's name)"],
  ["--service <name>", "value of the tag service (default: ebpf)"],
  ["--tags <k=v,...>", "tags for every point"],
  ["--log <file>", "log file (default: stderr)"],
  ["--log-level <level>", "debug, info, warn or error (default: info)"],
];

/**
 * What `skep run --help` says about keys: those of the agent, then, from each plugin's own schema, the plugin's. A plugin from
 * elsewhere takes its keys as options in the same way.
 */
export const keysHelp = (): string =>
  [
    "\nKeys of the configuration (flags > ENV_INPUT_EBPF_KEY > file > defaults; underscores may stand for hyphens):",
    ...agentKeys.map(helpLine),
    ...builtins.flatMap((plugin) => {
      const lines = keysOf(plugin).map(helpLine);
      return lines.length === 0 ? [] : [`\nKeys of ${plugin.name}:`, ...lines];
    }),
  ].join("\n");

/** A plugin's keys as options, with the words and defaults of its schema. */
export function keysOf({ config }: Plugin): (readonly [flag: string, description: string])[] {
  const { properties = {} } = z.toJSONSchema(config, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([key, property]) => {
    const { type, description = "", default: fallback } = typeof property === "object" ? property : {};
    const option = `--${key.replaceAll("_", "-")}`;
    const flag = type === "boolean" ? `${option}, --no-${option.slice(2)}` : `${option} <${type ?? "value"}>`;
    return [flag, fallback === undefined ? description : `${description} (default: ${JSON.stringify(fallback)})`];
  });
}

const helpLine = ([flag, description]: readonly [string, string]): string => `  ${flag.padEnd(34)} ${description}`;
