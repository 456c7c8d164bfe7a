// SPDX-License-Identifier: MIT

import type { ProgramStats } from "../backend.js";
import type { ExporterStatus, PluginCounters } from "./status.js";

/** How long something takes that happens again and again. Milliseconds. */
export interface Timing {
  readonly count: number;
  readonly totalMs: number;
  readonly longestMs: number;
  readonly lastMs: number;
}

/** Use of a ring buffer. */
export interface RingMetrics {
  readonly map: string;
  /** Bytes it holds. */
  readonly size: number;
  /** Bytes waiting to be read. */
  readonly pending: number;
  /** Largest share that waited when it was read, 0 to 1: at 1 records are lost. */
  readonly peak: number;
  /** Records read. */
  readonly records: number;
}

export interface PluginMetrics {
  readonly name: string;
  readonly counters: PluginCounters;
  readonly failures: number;
  readonly restarts: number;
  readonly flush: Timing;
  /** Of the run that is loaded now. */
  readonly rings: readonly RingMetrics[];
  /** Of the run that is loaded now; their times are 0 unless statistics were asked for (`AgentOptions.programStats`). */
  readonly programs: readonly ProgramStats[];
}

/** Memory and processor time of the whole process the agent lives in. */
export interface ProcessMetrics {
  /** Resident memory, bytes. */
  readonly rss: number;
  readonly heapUsed: number;
  /** User and system time since the process started, seconds. */
  readonly cpuSeconds: number;
}

/** What an agent says about itself, as numbers. Counts are since it started, plugin restarts included. */
export interface AgentMetrics {
  readonly plugins: readonly PluginMetrics[];
  /** Turns in which records were read. */
  readonly drain: Timing;
  /** Flushes of all plugins, one after another. */
  readonly flush: Timing;
  readonly exporters: readonly ExporterStatus[];
  readonly process: ProcessMetrics;
}
