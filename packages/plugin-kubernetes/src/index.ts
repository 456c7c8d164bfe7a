// SPDX-License-Identifier: MIT
export { kubernetes as default, kubernetes } from "./plugin.js";
export { findApiServer, type ApiServer } from "./api/api-server.js";
export { kubernetesConfig, type KubernetesConfig } from "./config.js";
