// SPDX-License-Identifier: MIT
export { prometheusExporter, type PrometheusExporter, type PrometheusOptions } from "./exporter.js";
