// SPDX-License-Identifier: MIT
export { net as default, net } from "./plugin.js";
export type { NetConfig } from "./config.js";
export { dnsflow } from "./dnsflow/measurement.js";
export { netflow } from "./netflow/measurement.js";
export { httpflow } from "./httpflow/measurement.js";
