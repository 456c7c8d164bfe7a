// SPDX-License-Identifier: MIT

import type { Plugin } from "../plugin.js";
import type { ConfigSection } from "./section.js";

/** A value as a flag parser hands it over: text, a switch, or a repeated option. */
export type FlagValue = string | number | boolean | readonly string[];

/** Where configuration comes from. Precedence: flags > environment > `args` of the file > the file's keys > defaults. */
export interface ConfigSources {
  /**
   * Which of DataKit's inputs is configured, default `ebpf`: its table is `inputs.<input>` of the file, its variables begin with
   * `ENV_INPUT_<INPUT>_`.
   */
  readonly input?: string;
  /** Path of a TOML or (`.yaml`, `.yml`) YAML file. */
  readonly file?: string;
  /** Contents instead of a file; `file` then only names it in messages and tells the format. */
  readonly text?: string;
  /** `ENV_INPUT_<INPUT>_<KEY>` variables are read from here. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Long option names without dashes; underscores and hyphens are equal. Undefined ones are ignored. */
  readonly flags?: Readonly<Record<string, FlagValue | undefined>>;
  /** The plugins whose keys may appear, or how to find those that `enabled_plugins` names. */
  readonly plugins: readonly Plugin[] | ((enabled: readonly string[]) => Promise<readonly Plugin[]>);
  /** More plugins whose keys may appear though they are not enabled. */
  readonly known?: readonly Plugin[];
  /** Keys that belong to no plugin: exporters, limits. A plugin and a section may share a key: both get it. */
  readonly sections?: readonly ConfigSection[];
  /** Plugins that may be enabled and yet do not run, besides those Skep leaves out for good: name -> what follows it in a sentence. */
  readonly leftOut?: Readonly<Record<string, string>>;
}

/** Something the user should hear about, though nothing is wrong enough to stop. */
export interface ConfigNotice {
  readonly key: string;
  /** File and line, variable or flag. */
  readonly where: string;
  readonly message: string;
}

/** The validated configuration. Keys are named as users write them. */
export interface Config {
  readonly enabled_plugins: readonly string[];
  /** Milliseconds. */
  readonly interval: number;
  readonly hostname: string | undefined;
  readonly service: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly log_level: "debug" | "info" | "warn" | "error";
  /** Path of a log file. */
  readonly log: string | undefined;
  readonly pidfile: string | undefined;
  /** The enabled plugins, in the order of `enabled_plugins`. */
  readonly resolved: readonly Plugin[];
  /** Plugin name -> what its schema made of the user's keys. */
  readonly plugins: ReadonlyMap<string, unknown>;
  /** Section name -> what its schema made of the user's keys; see `sectionOf`. */
  readonly sections: ReadonlyMap<string, unknown>;
  readonly notices: readonly ConfigNotice[];
}
