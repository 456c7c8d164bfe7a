// SPDX-License-Identifier: MIT

import { lineProtocolExporter, ndjsonExporter, tableExporter, type Exporter } from "@skep/core";

/** Where points go besides the exporters of the configuration. */
export const outputs = ["table", "ndjson", "line", "none"] as const;
export type Output = (typeof outputs)[number];

/** A table for somebody who looks, lines for a program that reads. */
export const defaultOutput = (): Output => (process.stdout.isTTY ? "table" : "ndjson");

/** The exporters for an output: one on stdout, or none. */
export function exportersFor(output: Output): Exporter[] {
  switch (output) {
    case "table":
      return [tableExporter(process.stdout)];
    case "ndjson":
      return [ndjsonExporter(process.stdout)];
    case "line":
      return [lineProtocolExporter(process.stdout)];
    case "none":
      return [];
  }
}
