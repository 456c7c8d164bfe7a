// SPDX-License-Identifier: MIT
export { bash as default, bash } from "./plugin.js";
