// SPDX-License-Identifier: MIT
export { runCli, type CliOptions } from "./cli.js";
export { ExitStatus } from "./exit-status.js";
export { everySection } from "./sections.js";
