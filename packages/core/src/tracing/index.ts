// SPDX-License-Identifier: MIT
export * from "./span.js";
export * from "./span-link.js";
export * from "./thread-trace-id.js";
