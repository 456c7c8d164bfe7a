// SPDX-License-Identifier: MIT
export { traceConfig, type TraceConfig } from "./config.js";
export { trace, trace as default } from "./plugin.js";
