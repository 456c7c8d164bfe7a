// SPDX-License-Identifier: MIT

import type { AnyMeasurement, Exporter } from "@skep/core";
import type { DatakitConfig } from "./config.js";
import { datakitExporters } from "./exporter.js";

/** The exporters that the configuration asks for; none without an address. */
export function datakitFromConfig(
  config: DatakitConfig,
  { measurements }: { readonly measurements: readonly AnyMeasurement[] },
): readonly Exporter[] {
  const { datakit_apiserver: server, trace_server: traceServer, datakit_encoding, datakit_gzip } = config;
  return datakitExporters({
    ...(server !== "" && { server }),
    ...(traceServer !== "" && { traceServer }),
    encoding: datakit_encoding,
    gzip: datakit_gzip,
    measurements,
  });
}
