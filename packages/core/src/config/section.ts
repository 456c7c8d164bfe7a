// SPDX-License-Identifier: MIT

import type { ConfigSchema } from "../plugin.js";
import type { Config } from "./config.js";

/**
 * Keys that belong together and to somebody: a plugin (which is one), an exporter, the agent's limits. The one declaration from
 * which they are validated, documented, offered as flags and variables, and completed by editors.
 */
export interface ConfigSection<C = unknown> {
  /** Name of the table that may hold the keys; flat in `[[inputs.ebpf]]` they mean every section that declares them. */
  readonly name: string;
  readonly description: string;
  readonly config: ConfigSchema<C>;
  /** Variables other programs use for the same thing: variable -> key. `ENV_INPUT_EBPF_<KEY>` wins over them. */
  readonly env?: Readonly<Record<string, string>>;
}

export const defineSection = <C>(section: ConfigSection<C>): ConfigSection<C> => Object.freeze(section);

/** What the configuration holds for a section that was among the sources' `sections`; its defaults when it was not. */
export const sectionOf = <C>(config: Pick<Config, "sections">, section: ConfigSection<C>): C =>
  config.sections.has(section.name) ? (config.sections.get(section.name) as C) : section.config.parse({});
