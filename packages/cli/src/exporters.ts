// SPDX-License-Identifier: MIT

import { deliverySection, sectionOf, type AgentOptions, type Config, type Exporter } from "@skep/core";
import { datakitFromConfig, datakitSection } from "@skep/exporter-datakit";
import { prometheusFromConfig, prometheusSection } from "@skep/exporter-prometheus";

/**
 * The exporters that the configuration asks for, besides the one on stdout.
 * @throws SkepError `SKEP_ERR_EXPORT` when one cannot listen where it should
 */
export async function configuredExporters(config: Config): Promise<readonly Exporter[]> {
  const context = { measurements: measurementsOf(config), intervalMs: config.interval };
  return [
    ...datakitFromConfig(sectionOf(config, datakitSection), context),
    ...(await prometheusFromConfig(sectionOf(config, prometheusSection), context)),
  ];
}

/** What the enabled plugins can tell. */
export const measurementsOf = ({ resolved }: Pick<Config, "resolved">) =>
  resolved.flatMap(({ measurements }) => measurements);

/** How points wait for exporters, as options of the agent. */
export function deliveryOf(config: Config): Pick<AgentOptions, "limits" | "spool"> {
  const { export_queue, export_timeout, spool_dir, spool_size } = sectionOf(config, deliverySection);
  return {
    limits: { queuedPoints: export_queue, exportMs: export_timeout },
    ...(spool_dir !== undefined && { spool: { directory: spool_dir, maxBytes: spool_size } }),
  };
}
