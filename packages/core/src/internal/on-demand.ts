// SPDX-License-Identifier: MIT

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/**
 * Libraries that only some runs need, loaded at their first use: an agent made by a program reads no configuration file, and these
 * take as long to load as all the rest of core.
 */
export const onDemand = {
  toml: () => require("@iarna/toml") as typeof import("@iarna/toml"),
  yaml: () => require("yaml") as typeof import("yaml"),
  table: () => require("cli-table3") as typeof import("cli-table3"),
};
