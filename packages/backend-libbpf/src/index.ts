// SPDX-License-Identifier: MIT
export { libbpfBackend, libbpfVersion, type LibbpfOptions } from "./backend.js";
export { customBtf } from "./custom-btf.js";
export { giveUpCapabilities } from "./give-up.js";
export type { HostPaths } from "./host.js";
