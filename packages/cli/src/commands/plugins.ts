// SPDX-License-Identifier: MIT

import { z } from "zod";
import type { Plugin } from "@skep/core";
import { createRegistry } from "../plugins.js";
import { installedPlugins } from "../installed-plugins.js";
import { keysOf } from "../run-help.js";

/** Describes every plugin that can be found. Nothing is loaded into the kernel: a description is data. */
export async function plugins({ json }: { json?: boolean }): Promise<void> {
  const registry = createRegistry();
  const found = await registry.resolve([...registry.names, ...(await installedPlugins(process.cwd()))]);
  process.stdout.write(json ? `${JSON.stringify(found.map(describe), undefined, 2)}\n` : found.map(textOf).join("\n"));
}

const describe = ({ name, version, api, description, measurements, config, capabilities, probes }: Plugin): object => ({
  name,
  version,
  api,
  description,
  measurements,
  config: z.toJSONSchema(config, { io: "input", unrepresentable: "any" }),
  capabilities,
  probes: Object.fromEntries(
    Object.entries(probes).map(([group, { observes, optional = false, strategies }]) => [
      group,
      {
        observes,
        optional,
        strategies: strategies.map(({ name: strategy, limits = null }) => ({ name: strategy, limits })),
      },
    ]),
  ),
});

function textOf(plugin: Plugin): string {
  const { name, version, description, measurements, capabilities } = plugin;
  const lines = [`${name} ${version}: ${description}`, `  needs ${capabilities.join(", ") || "no capability"}`];
  for (const measurement of measurements) {
    lines.push(`  measurement ${measurement.name} (${measurement.category}): ${measurement.description}`);
    for (const [key, tag] of Object.entries(measurement.tags)) lines.push(row(key, "tag", tag.description));
    for (const [key, { type, unit, description: words }] of Object.entries(measurement.fields)) {
      lines.push(row(key, unit === "1" ? type : `${type}, ${unit}`, words));
    }
  }
  const keys = keysOf(plugin);
  if (keys.length > 0) lines.push("  configuration", ...keys.map(([flag, words]) => `    ${flag.padEnd(38)}${words}`));
  return `${lines.join("\n")}\n`;
}

const row = (name: string, kind: string, words: string): string => `    ${name.padEnd(26)}${kind.padEnd(12)}${words}`;
