// SPDX-License-Identifier: MIT

import { lineProtocolExporter, ndjsonExporter, tableExporter, type AnyMeasurement, type Exporter } from "@skep/core";

/** Where points go besides the exporters of the configuration. */
export const outputs = ["table", "ndjson", "line", "none"] as const;
export type Output = (typeof outputs)[number];

/** A table for somebody who looks, lines for a program that reads. */
export const defaultOutput = (): Output => (process.stdout.isTTY ? "table" : "ndjson");

/**
 * The exporters for an output: one on stdout, or none.
 * @param measurements what will be told: their units and types
 */
export function exportersFor(output: Output, measurements: readonly AnyMeasurement[] = []): Exporter[] {
  switch (output) {
    case "table":
      return [tableExporter(process.stdout, { measurements })];
    case "ndjson":
      return [ndjsonExporter(process.stdout)];
    case "line":
      return [lineProtocolExporter(process.stdout, { measurements })];
    case "none":
      return [];
  }
}
