// SPDX-License-Identifier: MIT

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Exporter, type Logger, messageOf, SkepError } from "@skep/core";
import type { LinkerConfig } from "./config.js";
import { Linker } from "./linker.js";
import { memoryStore } from "./store/memory.js";
import { sqliteStore } from "./store/sqlite.js";
import type { SpanStore } from "./store/store.js";

/**
 * The linker that the configuration describes.
 * @throws SkepError `SKEP_ERR_STORE` when its directory cannot be used
 */
export function linkerFromConfig(
  config: LinkerConfig,
  { exporters, log }: { readonly exporters: readonly Exporter[]; readonly log: Logger },
): Linker {
  return new Linker({
    exporters,
    log,
    store: storeFor(config),
    windowMs: config.window,
    useAppTraceId: config.use_app_trace_id,
    samplingRate: config.sampling_rate,
    throughNat: config.link_through_nat,
    maxSpans: config.max_spans,
    maxBytes: config.max_span_bytes,
  });
}

function storeFor({ in_memory, db_path, db_sync }: LinkerConfig): SpanStore {
  if (in_memory) return memoryStore();
  try {
    mkdirSync(db_path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SkepError("SKEP_ERR_STORE", `directory ${db_path} for spans: ${messageOf(cause)}`, {
      hint: "name a directory that can be written with db_path, or link in memory with in_memory",
      cause,
    });
  }
  return sqliteStore({ path: join(db_path, "spans.db"), outlives: db_sync ? "power" : "process" });
}
