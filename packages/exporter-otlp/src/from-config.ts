// SPDX-License-Identifier: MIT

import type { AnyMeasurement, Exporter } from "@skep/core";
import type { OtlpConfig } from "./config.js";
import { otlpExporters } from "./exporter.js";

/** The exporters that the configuration asks for; none without an endpoint. */
export function otlpFromConfig(
  config: OtlpConfig,
  context: { readonly measurements: readonly AnyMeasurement[]; readonly intervalMs: number },
): readonly Exporter[] {
  const { otlp_metrics_endpoint: metrics, otlp_logs_endpoint: logs, otlp_traces_endpoint: traces } = config;
  return otlpExporters({
    ...context,
    ...(config.otlp_endpoint !== "" && { endpoint: config.otlp_endpoint }),
    endpoints: { ...(metrics && { metrics }), ...(logs && { logs }), ...(traces && { traces }) },
    protocol: config.otlp_protocol,
    headers: decoded(config.otlp_headers),
    compression: config.otlp_compression,
    signals: config.otlp_signals,
  });
}

/** OpenTelemetry's variable has its values percent-encoded, which keeps commas and spaces apart from the list's own. */
const decoded = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        return [name, value];
      }
    }),
  );
