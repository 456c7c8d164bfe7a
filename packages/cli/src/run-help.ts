// SPDX-License-Identifier: MIT

import { flagOf, inputSchema, variableOf, type ConfigSection } from "@skep/core";
import { everySection } from "./sections.js";

/**
 * What `skep run --help` says about keys: those of the agent, then, from each section's own schema, those of plugins, exporters and
 * limits. A plugin from elsewhere takes its keys as options in the same way.
 */
export const keysHelp = (): string => keysHelpOf(everySection);

/** The same for these sections, as keys of one of DataKit's inputs. */
export const keysHelpOf = (sections: readonly ConfigSection[], input?: string): string =>
  [
    `\nKeys of the configuration (flags > ${variableOf("key", input)} > file > defaults; underscores may stand for hyphens):`,
    ...sections.flatMap((section) => {
      const lines = keysOf(section).map(helpLine);
      return lines.length === 0 ? [] : [`\nKeys of ${section.name}:`, ...lines];
    }),
  ].join("\n");

/** A section's keys as options, with the words and defaults of its schema. */
export function keysOf({ config }: Pick<ConfigSection, "config">): (readonly [flag: string, description: string])[] {
  const { properties = {} } = inputSchema({ config });
  return Object.entries(properties).map(([key, { type = "value", description = "", default: fallback }]) => {
    const option = `--${flagOf(key)}`;
    const flag =
      type === "boolean"
        ? `${option}, --no-${option.slice(2)}`
        : `${option} <${valueNames[String(type)] ?? String(type)}>`;
    const isSaid = fallback === undefined || fallback === "" || ["[]", "{}"].includes(JSON.stringify(fallback));
    return [flag, isSaid ? description : `${description} (default: ${textOf(fallback)})`];
  });
}

/** What stands for a value of a type. */
const valueNames: Readonly<Record<string, string>> = {
  string: "text",
  array: "a,b",
  object: "k=v,k=v",
  "string,number": "text",
};

/** A value as it is written behind a flag. */
const textOf = (value: unknown): string =>
  typeof value === "object" ? Object.values(value ?? {}).join(",") : String(value);

const helpLine = ([flag, description]: readonly [string, string]): string => `  ${flag.padEnd(34)} ${description}`;
