// SPDX-License-Identifier: MIT
export { prometheusSection, type PrometheusConfig } from "./config.js";
export { prometheusExporter, type PrometheusExporter, type PrometheusOptions } from "./exporter.js";
export { prometheusFromConfig } from "./from-config.js";
