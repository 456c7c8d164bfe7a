// SPDX-License-Identifier: MIT

export { appTrace, type AppTraceFields, type AppTraceOptions, traceHeaders } from "./app-trace/index.js";
export { type DetectedProtocol, detectProtocol, protocolDetector } from "./detect.js";
export { type ProtocolName, protocolNames } from "./names.js";
export { protocolOf, spanFields, type SpanFields } from "./span-fields.js";
export { WireCall } from "./wire-call.js";
