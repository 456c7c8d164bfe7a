// SPDX-License-Identifier: MIT
export { conntrack as default, conntrack } from "./plugin.js";
export type { ConntrackConfig } from "./config.js";
