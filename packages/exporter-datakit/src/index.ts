// SPDX-License-Identifier: MIT
export { datakitSection, type DatakitConfig } from "./config.js";
export { datakitExporters, type DatakitOptions } from "./exporter.js";
export { decodePoints, splitPoints } from "./decode.js";
export { encodePoints } from "./encode.js";
export { datakitFromConfig } from "./from-config.js";
export { lastErrorReporter } from "./last-error.js";
