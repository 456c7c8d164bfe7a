// SPDX-License-Identifier: MIT
export { Linker, type Receipt } from "./linker.js";
export type { LinkerOptions } from "./options.js";
export type { LinkerCounts, LinkerStatus } from "./status.js";
export type { Link } from "./link.js";
export type { ExportBatch, SpanRecord, SpanStore, StoredSpan } from "./store/store.js";
export { memoryStore } from "./store/memory.js";
export { sqliteStore, type SqliteStoreOptions } from "./store/sqlite.js";
export { addressParts, type LinkerConfig, linkerSection } from "./config.js";
export { linkerFromConfig } from "./from-config.js";
export { linkingExporters } from "./linking-exporters.js";
export { parseLineProtocol } from "./receive/line-protocol.js";
export { otlpSpans } from "./receive/otlp.js";
export { type LinkerServer, serveLinker, type ServeOptions } from "./receive/server.js";
// For those who link elsewhere, with the same ids: docs/tracing-at-scale.md
export { spanIdOf, traceIdOf } from "./ids.js";
export { chanceKeeps } from "./sampling.js";
export { type AppVerdict, keysOf, type SpanKeys } from "./span-keys.js";
