// SPDX-License-Identifier: MIT
export { processes as default, processes } from "./plugin.js";
