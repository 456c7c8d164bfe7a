// SPDX-License-Identifier: MIT

import { z } from "zod";
import { defaultIntervalMs, defaultService } from "../agent/defaults.js";
import { defineSection } from "./section.js";
import { duration, optionalText } from "./values.js";

const text = z.string();

/** What runs when nobody says. */
export const defaultPlugins: readonly string[] = ["ebpf-net"];

/** Keys that belong to the agent itself. */
export const coreKeys = {
  enabled_plugins: z
    .array(text.min(1))
    .default([])
    .meta({ description: "plugins to run", default: [...defaultPlugins] }),
  interval: duration().default(defaultIntervalMs).meta({
    description:
      "time between two points of the same thing; a file or variable may say 10 s to 30 min, a flag 100 ms or more",
    default: "60s",
  }),
  hostname: optionalText().meta({ description: "value of the tag `host`; default: this host's name" }),
  service: text.min(1).default(defaultService).describe("value of the tag `service`"),
  tags: z
    .record(text, z.union([text, z.number(), z.boolean()]).transform(String))
    .default({})
    .meta({
      description: "tags for every point; they never replace one a point has",
      examples: [{ some_tag: "some_value" }],
    }),
  log_level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("the least that is logged"),
  log: optionalText().meta({ description: "log file; default: standard error", examples: ["/var/log/skep.log"] }),
  pidfile: optionalText().meta({
    description:
      "file that holds the process id while the agent runs; a second agent with the same file does not start",
    examples: ["/run/skep.pid"],
  }),
} as const;

export type CoreKey = keyof typeof coreKeys;
export const isCoreKey = (key: string): key is CoreKey => Object.hasOwn(coreKeys, key);

/** The same as a section, for documentation and help. */
export const agentSection = defineSection({
  name: "agent",
  description: "what runs, how often it tells, and how points are named",
  config: z.strictObject(coreKeys),
});
