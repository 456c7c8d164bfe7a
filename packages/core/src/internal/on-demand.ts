// SPDX-License-Identifier: MIT

import { createRequire } from "node:module";
import type Toml from "@iarna/toml";
import type CliTable from "cli-table3";
import type * as Yaml from "yaml";

const require = createRequire(import.meta.url);

/**
 * Libraries that only some runs need, loaded at their first use: an agent made by a program reads no configuration file, and these
 * take as long to load as all the rest of core.
 */
export const onDemand = {
  toml: () => require("@iarna/toml") as typeof Toml,
  yaml: () => require("yaml") as typeof Yaml,
  table: () => require("cli-table3") as typeof CliTable,
};
