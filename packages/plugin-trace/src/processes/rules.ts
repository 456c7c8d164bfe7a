// SPDX-License-Identifier: MIT

import type { TraceConfig } from "../config.js";
import { SERVICE_VARIABLES } from "./environment.js";

/** Never traced: the reference's own collectors. */
const NEVER = ["datakit", "datakit-ebpf"] as const;
/** The kernel keeps so many bytes of a process's name. */
const LONGEST_NAME = 15;

type RulesConfig = Pick<
  TraceConfig,
  "trace_all_process" | "trace_env_list" | "trace_env_blacklist" | "trace_name_list" | "trace_name_blacklist"
>;

/**
 * Which processes are traced. One list that names a process, or a variable it has, allows it; one that denies it wins. With no
 * list and no `trace_all_process` those are allowed that somebody has given the name of a service.
 */
export class Rules {
  /** Variables that decide anything. */
  readonly variables: ReadonlySet<string>;
  readonly #all: boolean;
  readonly #variables: ReadonlySet<string>;
  readonly #deniedVariables: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;
  readonly #deniedNames: ReadonlySet<string>;

  constructor(config: RulesConfig) {
    const isSilent = config.trace_env_list.length === 0 && config.trace_name_list.length === 0;
    this.#all = config.trace_all_process;
    this.#variables = new Set(isSilent ? SERVICE_VARIABLES : config.trace_env_list);
    this.#deniedVariables = new Set(config.trace_env_blacklist);
    this.#names = asKernelNames(config.trace_name_list);
    this.#deniedNames = asKernelNames([...config.trace_name_blacklist, ...NEVER]);
    this.variables = new Set([...this.#variables, ...this.#deniedVariables]);
  }

  /** @param variables of {@link Rules.variables}, those the process has */
  allow(name: string, variables: readonly string[]): boolean {
    if (this.#deniedNames.has(name) || variables.some((variable) => this.#deniedVariables.has(variable))) return false;
    return this.#all || this.#names.has(name) || variables.some((variable) => this.#variables.has(variable));
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const asKernelNames = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => decoder.decode(encoder.encode(name).subarray(0, LONGEST_NAME))));
