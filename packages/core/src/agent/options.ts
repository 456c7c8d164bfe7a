// SPDX-License-Identifier: MIT

import type { Backend } from "../backend.js";
import type { Exporter } from "../exporter.js";
import type { Logger } from "../logger.js";
import type { Plugin } from "../plugin.js";
import type { SpoolOptions } from "../points/spool-directory.js";
import type { Sampling } from "../points/sampler.js";
import type { Clock } from "../scheduler/clock.js";
import type { Scope } from "../scope.js";
import type { ResourceLimits } from "./relief.js";

/** A plugin with its configuration. */
export interface PluginEntry {
  readonly plugin: Plugin;
  /** Checked with the plugin's own schema at start; absent: its defaults. */
  readonly config?: unknown;
  /** `start()` rejects when this plugin cannot run. */
  readonly required?: boolean;
}

/** How a failed plugin is tried again: exponential backoff with jitter. All in milliseconds. */
export interface RestartOptions {
  /** Before the first restart. Default 1 s. */
  readonly initialMs: number;
  /** Upper bound of the wait. Default 60 s. */
  readonly maxMs: number;
  /** A plugin that ran this long without failing starts again from `initialMs`. Default 5 min. */
  readonly healthyMs: number;
}

/** Deadlines and bounds. Times in milliseconds. */
export interface AgentLimits {
  /** Choosing strategies and loading the objects of one plugin. Default 60 s. */
  readonly loadMs: number;
  /** `setup` and `attach` of one plugin. Default 15 s each. */
  readonly setupMs: number;
  /** `start` of one plugin. Default 15 s. */
  readonly startMs: number;
  /** `flush` of one plugin. Default 15 s. */
  readonly flushMs: number;
  /** Each closing function of one plugin. Default 5 s. */
  readonly closeMs: number;
  /** All of `stop()`. Default 10 s. */
  readonly stopMs: number;
  /** Points an exporter may have waiting; the oldest give way. Default 100,000. */
  readonly queuedPoints: number;
  /** Points per export. Default 512. */
  readonly batchPoints: number;
  /** One attempt of an export. Default 30 s. */
  readonly exportMs: number;
  /** Before an export is tried again; doubles with each failure, half of it random. Default 0.5 s. */
  readonly retryMs: number;
  /** Upper bound of that wait. Default 30 s. */
  readonly maxRetryMs: number;
  /** Points an `agent.points()` iterator may have waiting; the oldest give way. Default 10,000. */
  readonly iteratorPoints: number;
}

export interface AgentOptions {
  /** Not closed by the agent: who made it closes it. */
  readonly backend: Backend;
  readonly plugins: readonly (Plugin | PluginEntry)[];
  readonly exporters?: readonly Exporter[];
  /** Milliseconds between flushes. Default 60,000. */
  readonly interval?: number;
  /** Value of the tag `host`. Default: the host's own name. */
  readonly hostname?: string;
  /** Value of the tag `service`. Default `ebpf`. */
  readonly service?: string;
  /** More tags for every point; they never override a tag a point already has. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: the whole host. */
  readonly scope?: Scope;
  /** Probe group, or `plugin/group`, -> strategy that must be used instead of the first that works. */
  readonly strategies?: Readonly<Record<string, string>>;
  /** Which points are kept. Others are counted as dropped, with reason `sampled`. Default: all. */
  readonly sampling?: Sampling;
  /**
   * What the process may use. Above it the agent first keeps fewer flows and reads its rings less often, then stops plugins, those
   * with most to do first, then itself; each step is logged and told as event `relief`. Default: no limit.
   */
  readonly resources?: ResourceLimits;
  readonly log?: Logger;
  /** Count runs and run times of BPF programs, for `metrics()`. Costs every BPF program of the host two clock readings per run. */
  readonly programStats?: boolean;
  /** Lets the backend load objects that could change the system. */
  readonly allowMutation?: boolean;
  /** Where `HOST_PROC` and `HOST_ROOT` are looked up. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly restart?: Partial<RestartOptions>;
  /** Where points wait on disk while a server is away, over restarts too. Default: they wait in memory alone. */
  readonly spool?: SpoolOptions;
  readonly limits?: Partial<AgentLimits>;
  /** Time itself: replaced by tests and by replay. */
  readonly clock?: Clock;
}
