// SPDX-License-Identifier: MIT

import { defineSection } from "@skep/core";
import { z } from "zod";

const isAddress = (text: string): boolean => text === "" || parseListen(text) !== undefined;

const schema = z.strictObject({
  prometheus_listen: z
    .string()
    .refine(isAddress, 'is no address to listen at, such as "127.0.0.1:9435" or ":9435"')
    .default("")
    .meta({
      description: "where /metrics is served: host:port, or :port for every address; nothing: nowhere",
      examples: ["127.0.0.1:9435"],
    }),
  prometheus_max_series: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe("label sets of one measurement; what is more shares a series whose labels say `overflow`"),
  prometheus_without: z.array(z.string()).default(["pid"]).describe("tags that do not become labels"),
});

/** Keys of the configuration that belong to this exporter. */
export const prometheusSection = defineSection({
  name: "prometheus",
  description: "points as metrics for Prometheus to scrape",
  config: schema,
});

export type PrometheusConfig = z.output<typeof schema>;

/** Reads `host:port`, `[::1]:port` and `:port`, which means every address. */
export function parseListen(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? (match[2] === "" ? "::" : match[2]!), port };
}
