// SPDX-License-Identifier: MIT

import {
  deliverySection,
  sectionOf,
  type AgentOptions,
  type AnyMeasurement,
  type Config,
  type Exporter,
  type SkepError,
} from "@skep/core";
import { datakitFromConfig, datakitSection, lastErrorReporter } from "@skep/exporter-datakit";
import { otlpSection, type OtlpConfig } from "@skep/exporter-otlp/config";
import { prometheusFromConfig, prometheusSection } from "@skep/exporter-prometheus";

/**
 * The exporters that the configuration asks for, besides the one on stdout.
 * @throws SkepError `SKEP_ERR_EXPORT` when one cannot listen where it should
 */
export async function configuredExporters(config: Config): Promise<readonly Exporter[]> {
  const context = { measurements: measurementsOf(config), intervalMs: config.interval };
  return [
    ...datakitFromConfig(sectionOf(config, datakitSection), context),
    ...(await otlpExporters(sectionOf(config, otlpSection), context)),
    ...(await prometheusFromConfig(sectionOf(config, prometheusSection), context)),
  ];
}

type Context = { readonly measurements: readonly AnyMeasurement[]; readonly intervalMs: number };

/** OpenTelemetry's packages take a second to load where the machine is busy: only who uses them waits for them. */
export async function otlpExporters(config: OtlpConfig, context: Context): Promise<readonly Exporter[]> {
  const { otlp_endpoint, otlp_metrics_endpoint, otlp_logs_endpoint, otlp_traces_endpoint } = config;
  if (!otlp_endpoint && !otlp_metrics_endpoint && !otlp_logs_endpoint && !otlp_traces_endpoint) return [];
  const { otlpFromConfig } = await import("@skep/exporter-otlp");
  return otlpFromConfig(config, context);
}

/** Tells the DataKit server of the configuration what went wrong; undefined without one. */
export function errorTeller(config: Config): ((error: SkepError) => void) | undefined {
  const { datakit_apiserver: server } = sectionOf(config, datakitSection);
  if (server === "") return undefined;
  const tell = lastErrorReporter(server);
  return ({ message }) => tell(message);
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
