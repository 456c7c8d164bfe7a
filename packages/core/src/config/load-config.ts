// SPDX-License-Identifier: MIT

import type { Config, ConfigSources } from "./config.js";

/** Reads, merges and validates configuration. */
export function loadConfig(sources: ConfigSources): Promise<Config> {
  return Promise.reject(new Error(`not there yet: ${sources.file}`));
}
