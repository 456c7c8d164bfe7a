// SPDX-License-Identifier: MIT

import type { AnyMeasurement, Exporter } from "@skep/core";
import { parseListen, type PrometheusConfig } from "./config.js";
import { prometheusExporter } from "./exporter.js";

/**
 * The exporter that the configuration asks for, listening; none without an address.
 * @throws SkepError `SKEP_ERR_EXPORT` when it cannot listen there
 */
export async function prometheusFromConfig(
  config: PrometheusConfig,
  { measurements, intervalMs }: { readonly measurements: readonly AnyMeasurement[]; readonly intervalMs: number },
): Promise<readonly Exporter[]> {
  const address = parseListen(config.prometheus_listen);
  if (address === undefined) return [];
  const { prometheus_max_series: maxSeries, prometheus_without: without } = config;
  // What comes every interval must not be forgotten between two of them.
  const staleMs = Math.max(600_000, 3 * intervalMs);
  const exporter = prometheusExporter({ ...address, measurements, maxSeries, without, staleMs });
  await exporter.listen();
  return [exporter];
}
