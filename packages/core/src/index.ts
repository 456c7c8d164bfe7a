// SPDX-License-Identifier: MIT
export * from "./backend.js";
export * from "./btf/index.js";
export * from "./codec.js";
export * from "./errors.js";
export * from "./exporter.js";
export type * from "./host-identity.js";
export * from "./logger.js";
export * from "./measurement.js";
export * from "./plugin.js";
export * from "./probes.js";
export * from "./scope.js";
export * from "./service.js";
