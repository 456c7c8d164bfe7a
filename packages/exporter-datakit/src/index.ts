// SPDX-License-Identifier: MIT
export { datakitExporters, type DatakitOptions } from "./exporter.js";
export { decodePoints } from "./decode.js";
export { encodePoints } from "./encode.js";
