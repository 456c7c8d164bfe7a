// SPDX-License-Identifier: MIT
export { libbpfBackend, type LibbpfOptions } from "./backend.js";
export type { HostPaths } from "./host.js";
