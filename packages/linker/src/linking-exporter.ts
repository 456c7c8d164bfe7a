// SPDX-License-Identifier: MIT

import { ExportError, type Exporter, type Point, SkepError } from "@skep/core";
import { Linker } from "./linker.js";
import type { LinkerOptions } from "./options.js";

/**
 * An exporter that links the spans of its own agent and hands the traces on: with one host there is no need of a server. All other
 * points are not its concern.
 *
 * ```ts
 * createAgent({ exporters: [linkingExporter({ exporters: [otlp], windowMs: 5_000 })], ... })
 * ```
 */
export function linkingExporter(options: LinkerOptions): Exporter & { readonly linker: Linker } {
  const linker = new Linker(options);
  return {
    name: "linker",
    linker,
    accepts: ({ category }) => category === "tracing",
    export: (points) => receive(linker, points),
    close: () => linker.close(),
  };
}

/** No room now may be room later: core keeps the points and comes again. */
function receive(linker: Linker, points: readonly Point[]): void {
  try {
    linker.receive(points);
  } catch (cause) {
    if (!(cause instanceof SkepError)) throw cause;
    throw new ExportError(cause.message, { retryable: cause.code === "SKEP_ERR_LINKER_FULL", cause });
  }
}
