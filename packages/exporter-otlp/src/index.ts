// SPDX-License-Identifier: MIT
export { otlpSection, type OtlpConfig, type Signal } from "./config.js";
export { otlpExporters, type OtlpOptions } from "./exporter.js";
export { otlpFromConfig } from "./from-config.js";
export type { Protocol } from "./sender.js";
