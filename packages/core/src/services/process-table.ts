// SPDX-License-Identifier: MIT

import { service } from "../service.js";

/** One life of a pid: from its fork to its exit. Names change at exec; a reused pid is another entry. */
export interface ProcessEntry {
  readonly pid: number;
  readonly ppid: number;
  /** `Name:` of /proc/PID/status, at most 15 bytes. */
  readonly name: string;
  /** User id (real). */
  readonly uid: number;
  /** Start in clock ticks (1/100 s) after boot, as /proc/PID/stat says: pid and start identify a process. */
  readonly startTicks: number;
  /** Path of the executable as the process itself sees it; undefined when it cannot be read (kernel threads, exited). Read lazily. */
  readonly executable: string | undefined;
  /** Path in the cgroup v2 hierarchy, such as `/system.slice/ssh.service`; undefined when it cannot be read. Read lazily. */
  readonly cgroup: string | undefined;
  /** When it exited, in ns of CLOCK_MONOTONIC; undefined while it lives. */
  readonly exitedNs: bigint | undefined;
}

/** What an observer of the kernel tells the table. Times are ns of CLOCK_MONOTONIC (`bpf_ktime_get_ns`). */
export type ProcessEvent =
  | { readonly kind: "fork"; readonly pid: number; readonly ppid: number; readonly timeNs: bigint }
  | {
      readonly kind: "exec";
      readonly pid: number;
      readonly timeNs: bigint;
      readonly name: string;
      readonly uid?: number;
    }
  | { readonly kind: "exit"; readonly pid: number; readonly timeNs: bigint; readonly name?: string };

/**
 * Who a pid is. Reads the host's /proc when asked and remembers; told of forks, execs and exits ({@link ProcessTable.apply}) it
 * also knows processes that came and went between two questions. Processes that exited stay known for a grace period.
 */
export interface ProcessTable {
  /**
   * The process that had this pid at `atNs` (ns of CLOCK_MONOTONIC), or now. Undefined when it is not known, which includes a pid
   * that meanwhile belongs to a process started after `atNs`.
   */
  get(pid: number, atNs?: bigint): ProcessEntry | undefined;
  /** Its name, or `""`. */
  nameOf(pid: number, atNs?: bigint): string;
  apply(event: ProcessEvent): void;
}

/** Provided by core; a plugin may feed it (`apply`) or provide another. */
export const ProcessTable = service<ProcessTable>("skep.process-table", 1);
