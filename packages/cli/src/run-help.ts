// SPDX-License-Identifier: MIT

import { z } from "zod";
import { otherNames, type ConfigSection } from "@skep/core";
import { everySection } from "./sections.js";

/**
 * What `skep run --help` says about keys: those of the agent, then, from each section's own schema, those of plugins, exporters and
 * limits. A plugin from elsewhere takes its keys as options in the same way.
 */
export const keysHelp = (): string =>
  [
    "\nKeys of the configuration (flags > ENV_INPUT_EBPF_KEY > file > defaults; underscores may stand for hyphens):",
    ...everySection.flatMap((section) => {
      const lines = keysOf(section).map(helpLine);
      return lines.length === 0 ? [] : [`\nKeys of ${section.name}:`, ...lines];
    }),
  ].join("\n");

/** A section's keys as options, with the words and defaults of its schema. */
export function keysOf({ config }: Pick<ConfigSection, "config">): (readonly [flag: string, description: string])[] {
  const { properties = {} } = z.toJSONSchema(config, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([key, property]) => {
    const { type, description = "", default: fallback } = typeof property === "object" ? property : {};
    const option = `--${optionOf(key)}`;
    const flag = type === "boolean" ? `${option}, --no-${option.slice(2)}` : `${option} <${type ?? "value"}>`;
    return [flag, fallback === undefined ? description : `${description} (default: ${JSON.stringify(fallback)})`];
  });
}

/** The option of a key: the shorter name that the reference has for it, if it has one. */
const optionOf = (key: string): string => {
  const [other = key.replaceAll("_", "-")] = otherNames(key).flags;
  return key === "trace_all_process" ? "trace-all-process" : other;
};

const helpLine = ([flag, description]: readonly [string, string]): string => `  ${flag.padEnd(34)} ${description}`;
