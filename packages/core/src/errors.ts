// SPDX-License-Identifier: MIT

/** Every error code of Skep, with what it means. Codes are stable: scripts may match them. */
export const errorCodes = {
  SKEP_ERR_CONFIG: "configuration is wrong: the message names file, line, variable or flag and what would be right",
  SKEP_ERR_CONFIG_SYNTAX: "a configuration file does not parse",
  SKEP_ERR_CONFIG_UNKNOWN_KEY: "a configuration key does not exist",
  SKEP_ERR_PLUGIN_UNKNOWN: "no plugin of that name is built in or installed",
  SKEP_ERR_PLUGIN_API: "a plugin was written for another version of the plugin contract",
  SKEP_ERR_PLUGIN_SHAPE: "a package does not export a plugin",
  SKEP_ERR_PLUGIN_DUPLICATE: "two plugins have the same name",
  SKEP_ERR_PLUGIN_FAILED: "a plugin threw; phase says where",
  SKEP_ERR_PLUGIN_TIMEOUT: "a plugin did not finish a phase in time",
  SKEP_ERR_SERVICE_MISSING: "no enabled plugin provides a service that another needs",
  SKEP_ERR_SERVICE_CYCLE: "plugins need each other's services in a circle",
  SKEP_ERR_SERVICE_UNDECLARED: "a plugin asked for or provided a service its manifest does not name",
  SKEP_ERR_NOTHING_RUNS: "no enabled plugin could run",
  SKEP_ERR_AGENT_STATE: "the agent cannot do that in its present state",
  SKEP_ERR_BACKEND_UNAVAILABLE: "the backend cannot work on this host: library, architecture or operating system",
  SKEP_ERR_PERMISSION: "the kernel refused for want of privileges",
  SKEP_ERR_BTF_MISSING: "the kernel offers no BTF",
  SKEP_ERR_CGROUP2_MISSING: "no cgroup v2 hierarchy is mounted",
  SKEP_ERR_OBJECT: "a BPF object is missing, malformed or has no member of that name",
  SKEP_ERR_MUTATION: "a BPF object could change the system and was refused",
  SKEP_ERR_LOAD: "the kernel refused to load a BPF object",
  SKEP_ERR_ATTACH: "a program could not be attached",
  SKEP_ERR_PROBES: "a mandatory probe group has no strategy that works here",
  SKEP_ERR_LAYOUT: "a codec does not match the layout in the loaded object",
  SKEP_ERR_MAP: "a map operation failed",
  SKEP_ERR_ITERATOR: "an iterator could not be read",
  SKEP_ERR_CLOSED: "a handle was used after it was closed",
  SKEP_ERR_SCOPE: "a scope names a cgroup, process or network namespace that does not exist",
  SKEP_ERR_RECORDING: "a recording is malformed or does not fit the plugin",
  SKEP_ERR_EXPORT: "an exporter could not be rid of points",
  SKEP_ERR_STORE: "a store of spans cannot be opened, read or written",
  SKEP_ERR_LINKER_FULL: "the linker holds as many spans as it may; what was refused may be sent again",
  SKEP_ERR_SPOOL: "the directory where points wait on disk cannot be used",
  SKEP_ERR_LISTENER: "an event listener threw",
  SKEP_ERR_BUILD: "a BPF source does not compile or cannot be generated from",
  SKEP_ERR_UNSUPPORTED: "the kernel lacks, or has not loaded, what a plugin observes",
  SKEP_ERR_TOOL: "an external program is missing or failed",
  SKEP_ERR_KERNEL: "a test kernel cannot be fetched, booted or trusted with a result",
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface SkepErrorOptions {
  readonly plugin?: string;
  /** What was going on: `load`, `attach`, `setup`, `decode`, `flush`, `close`... */
  readonly phase?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The only error class Skep throws. `message` says what is wrong and where; `hint` says the mend. */
export class SkepError extends Error {
  override readonly name = "SkepError";
  readonly plugin: string | undefined;
  readonly phase: string | undefined;
  readonly hint: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: SkepErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.plugin = options.plugin;
    this.phase = options.phase;
    this.hint = options.hint;
  }
}
