// SPDX-License-Identifier: MIT

import type { Clock } from "../scheduler/clock.js";
import { service } from "../service.js";
import { ProcFiles, type ProcFacts } from "./proc-files.js";
import { ProcessLife } from "./process-life.js";

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
   * The process that had this pid at `atNs` (ns of CLOCK_MONOTONIC), or has or had it last. Undefined when it is not known, which
   * includes a pid that meanwhile belongs to a process started after `atNs`.
   */
  get(pid: number, atNs?: bigint): ProcessEntry | undefined;
  /** Its name, or `""`. */
  nameOf(pid: number, atNs?: bigint): string;
  apply(event: ProcessEvent): void;
  /**
   * Calls `listener` with every event from now on, after the table took it. It runs where the event is read from the kernel, so it
   * should be quick; what it throws reaches whoever feeds the table. Returns how to stop.
   */
  subscribe(listener: (event: ProcessEvent) => void): () => void;
}

/** Provided by core; a plugin may feed it (`apply`) or provide another. */
export const ProcessTable = service<ProcessTable>("skep.process-table", 1);

export interface ProcessTableOptions {
  /** The host's /proc. */
  readonly procRoot: string;
  readonly clock: Clock;
  /** How long an exited process stays known, ms. Default 3 minutes: longer than a flush interval and late records. */
  readonly graceMs?: number;
  /** How long an entry is believed before /proc is asked again, ms. Default 10 s. */
  readonly refreshMs?: number;
  /** Entries kept; exited ones go first, then those known longest. Default 65,536. */
  readonly maxEntries?: number;
}

const tickNs = 10_000_000n;
/** /proc counts starts in ticks and its uptime in hundredths: a start is known to within a few of them. */
const slackNs = 3n * tickNs;

/** The default process table. It keeps no file open and needs no disposal. */
export function createProcessTable(options: ProcessTableOptions): ProcessTable {
  return new ProcProcessTable(options);
}

class ProcProcessTable implements ProcessTable {
  /** The lives of each pid that are still known, oldest first. */
  readonly #lives = new Map<number, ProcessLife[]>();
  /** Exited lives, in the order of their exits. */
  readonly #exited = new Set<ProcessLife>();
  readonly #listeners = new Set<(event: ProcessEvent) => void>();
  readonly #files: ProcFiles;
  readonly #clock: Clock;
  readonly #graceNs: bigint;
  readonly #refreshMs: number;
  readonly #maxEntries: number;
  #size = 0;
  #suspended = { ns: 0n, checkedAt: -Infinity };

  constructor({ procRoot, clock, graceMs = 180_000, refreshMs = 10_000, maxEntries = 65_536 }: ProcessTableOptions) {
    this.#files = new ProcFiles(procRoot);
    this.#clock = clock;
    this.#graceNs = BigInt(graceMs) * 1_000_000n;
    this.#refreshMs = refreshMs;
    this.#maxEntries = maxEntries;
  }

  get(pid: number, atNs?: bigint): ProcessEntry | undefined {
    this.#refresh(pid);
    this.#forget();
    const lives = this.#lives.get(pid);
    if (lives === undefined || atNs === undefined) return lives?.at(-1);
    return lives.findLast((life) => this.#startedNs(life) <= atNs + slackNs);
  }

  nameOf(pid: number, atNs?: bigint): string {
    return this.get(pid, atNs)?.name ?? "";
  }

  apply(event: ProcessEvent): void {
    const { pid, timeNs } = event;
    const life = this.#living(pid);
    switch (event.kind) {
      case "fork": {
        if (life !== undefined) this.#exit(life, timeNs); // its exit was missed
        const parent = this.#living(event.ppid);
        this.#add(pid, event.ppid, parent?.name ?? "", parent?.uid ?? 0, this.#ticksAt(timeNs));
        break;
      }
      case "exec": {
        const executing = life ?? this.#refresh(pid) ?? this.#add(pid, 0, event.name, 0, this.#ticksAt(timeNs));
        executing.execute(event.name, event.uid ?? executing.uid);
        break;
      }
      case "exit": {
        // One never heard of before lived since who knows when; its name may still be wanted.
        const exiting = life ?? (event.name === undefined ? undefined : this.#add(pid, 0, event.name, 0, 0));
        if (exiting !== undefined) this.#exit(exiting, timeNs);
        break;
      }
    }
    this.#forget();
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: ProcessEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Compares the newest life of a pid with /proc, when that was not done lately. Returns the living one. */
  #refresh(pid: number): ProcessLife | undefined {
    const known = this.#lives.get(pid)?.at(-1);
    const now = this.#clock.now();
    if (known !== undefined && now - known.checkedAt < this.#refreshMs) return this.#living(pid);
    const facts = this.#files.facts(pid);
    if (known !== undefined) known.checkedAt = now;
    if (facts === undefined) {
      if (known?.exitedNs === undefined && known !== undefined) this.#exit(known, this.#clock.monotonicNs());
      return undefined;
    }
    if (known !== undefined && isSame(known, facts)) {
      if (known.exitedNs !== undefined) return undefined; // a zombie: exited, not yet waited for
      Object.assign(known, { ppid: facts.ppid, name: facts.name, uid: facts.uid, startTicks: facts.startTicks });
      return known;
    }
    if (known !== undefined && known.exitedNs === undefined) this.#exit(known, this.#clock.monotonicNs());
    const life = this.#add(pid, facts.ppid, facts.name, facts.uid, facts.startTicks);
    life.checkedAt = now;
    return life;
  }

  #living(pid: number): ProcessLife | undefined {
    const life = this.#lives.get(pid)?.at(-1);
    return life?.exitedNs === undefined ? life : undefined;
  }

  #add(pid: number, ppid: number, name: string, uid: number, startTicks: number): ProcessLife {
    const life = new ProcessLife(this.#files, pid, ppid, name, uid, startTicks);
    const lives = this.#lives.get(pid);
    if (lives === undefined) this.#lives.set(pid, [life]);
    else lives.push(life);
    this.#size++;
    return life;
  }

  #exit(life: ProcessLife, timeNs: bigint): void {
    life.exitedNs = timeNs;
    this.#exited.add(life);
  }

  /** Forgets who exited long ago, and more when there are too many. */
  #forget(): void {
    const longAgo = this.#clock.monotonicNs() - this.#graceNs;
    for (const life of this.#exited) {
      if (life.exitedNs! > longAgo && this.#size <= this.#maxEntries) break;
      this.#exited.delete(life);
      this.#remove(life);
    }
    for (const lives of this.#lives.values()) {
      if (this.#size <= this.#maxEntries) return;
      for (const life of [...lives]) this.#remove(life);
    }
  }

  #remove(life: ProcessLife): void {
    const lives = this.#lives.get(life.pid) ?? [];
    const kept = lives.filter((other) => other !== life);
    this.#size -= lives.length - kept.length;
    if (kept.length === 0) this.#lives.delete(life.pid);
    else this.#lives.set(life.pid, kept);
  }

  #startedNs(life: ProcessLife): bigint {
    return BigInt(life.startTicks) * tickNs - this.#suspendedNs();
  }

  #ticksAt(timeNs: bigint): number {
    return Number((timeNs + this.#suspendedNs()) / tickNs);
  }

  /** Starts count the time the machine was suspended, CLOCK_MONOTONIC does not: the uptime tells how much that is. */
  #suspendedNs(): bigint {
    const now = this.#clock.now();
    if (now - this.#suspended.checkedAt >= this.#refreshMs) {
      const difference = (this.#files.uptimeNs() ?? 0n) - this.#clock.monotonicNs();
      // A container's own uptime is shorter than the host's clock.
      this.#suspended = { ns: difference > slackNs ? difference : 0n, checkedAt: now };
    }
    return this.#suspended.ns;
  }
}

/** A start made from an event's time is a tick or two beside what /proc says; no pid comes round so fast. */
const isSame = (life: ProcessLife, facts: ProcFacts): boolean => Math.abs(life.startTicks - facts.startTicks) <= 3;
