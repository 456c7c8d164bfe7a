// SPDX-License-Identifier: MIT
export { execs as default, execs } from "./plugin.js";
