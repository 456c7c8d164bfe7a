// SPDX-License-Identifier: MIT

import type { ChosenStrategy } from "../backend.js";
import type { SkepError } from "../errors.js";

/**
 * Life of a plugin:
 * `declared` (known) -> `checked` (API, configuration and services are right) -> `loaded` (objects in the kernel, layouts proved)
 * -> `running` <-> `degraded` (running, but seeing less) -> `failed` (nothing left attached; waiting for a restart, or for good)
 * -> `stopped`.
 */
export type PluginState = "declared" | "checked" | "loaded" | "running" | "degraded" | "failed" | "stopped";

export type AgentState = "idle" | "starting" | "running" | "stopping" | "stopped";

/**
 * What became of a plugin's observations since the agent started, restarts included.
 *
 * The rule: a ring record is *observed* when core hands it over; anything else (iterator records, map entries, netlink) when the
 * plugin says `count("observed")`. Each observation then ends in exactly one way:
 * *emitted* (a point stands for one observation), *aggregated* (folded into a point, or a service, that already stands for
 * another), or *dropped* for a reason. So `observed = emitted + aggregated + sum(dropped) + pending`, and `pending`, what the
 * plugin still holds, is 0 after its last flush.
 */
export interface PluginCounters {
  readonly observed: number;
  readonly emitted: number;
  readonly aggregated: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly pending: number;
}

export interface PluginStatus {
  readonly name: string;
  readonly version: string;
  readonly state: PluginState;
  /** What this host lets the plugin see: everything, less than everything, nothing. */
  readonly support: "full" | "reduced" | "unavailable";
  /** Why it is degraded, reduced or failed, one sentence each. */
  readonly reasons: readonly string[];
  /** The error that made it fail; undefined while it runs. Its `hint` is the mend. */
  readonly error: SkepError | undefined;
  /** Probe group -> chosen strategy, of the last time it was loaded. */
  readonly strategies: Readonly<Record<string, ChosenStrategy>>;
  readonly counters: PluginCounters;
  /** Throws of the plugin that were caught: decoding, timers, flush, close. */
  readonly failures: number;
  readonly restarts: number;
  /** Milliseconds until the next restart; undefined when none is planned. */
  readonly restartInMs: number | undefined;
}

export interface ExporterStatus {
  readonly name: string;
  /** Points waiting in memory, the batch under way included. */
  readonly queued: number;
  /** Points waiting on disk, those of earlier runs included. */
  readonly spooled: number;
  /** Those of earlier runs included. */
  readonly exported: number;
  /** Reason -> points: `queue_full`, `export_rejected`, `export_deadline`, `spool_full`, `spool_failed`, `spool_damaged`. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Age of the oldest point of the batch under way, or, between batches, of the last one when it was delivered; milliseconds. */
  readonly lagMs: number;
  /** Attempts that failed, retried ones included. */
  readonly failures: number;
  readonly lastError: string | undefined;
}

export interface AgentStatus {
  readonly state: AgentState;
  readonly hostname: string;
  readonly backend: string;
  readonly plugins: readonly PluginStatus[];
  readonly exporters: readonly ExporterStatus[];
  /** Throws of event listeners that were caught. */
  readonly listenerFailures: number;
}

/** A plugin went from one state to another. */
export interface StateChange {
  readonly plugin: string;
  readonly from: PluginState;
  readonly to: PluginState;
  /** Why, when there is something to say. */
  readonly reason?: string;
}

/** Observations or points that were lost: exactly one of `plugin`, `exporter` and `consumer` says where. */
export interface Loss {
  readonly plugin?: string;
  readonly exporter?: string;
  /** A slow `agent.points()` iterator. */
  readonly consumer?: string;
  readonly reason: string;
  readonly count: number;
}
