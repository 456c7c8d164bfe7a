// SPDX-License-Identifier: MIT

import { sectionOf, type Config, type Exporter, type Logger } from "@skep/core";
import { datakitSection } from "@skep/exporter-datakit";
import { linkingExporters } from "@skep/linker";

/**
 * With no server that links spans (`trace_server`) the agent links its own, and the exporters get the traces of this host. Where no
 * plugin makes spans the exporters stay as they are.
 */
export function withOwnTraces(config: Config, exporters: readonly Exporter[], log: Logger): readonly Exporter[] {
  const { trace_server } = sectionOf(config, datakitSection);
  const hasSpans = config.resolved.some(({ measurements }) =>
    measurements.some(({ category }) => category === "tracing"),
  );
  return hasSpans && trace_server === "" ? linkingExporters(exporters, { log }) : exporters;
}
