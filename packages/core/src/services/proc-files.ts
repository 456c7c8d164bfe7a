// SPDX-License-Identifier: MIT

import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { parseStat } from "./proc-stat.js";

/** What /proc says of a living process. */
export interface ProcFacts {
  readonly name: string;
  readonly ppid: number;
  readonly uid: number;
  /** Clock ticks (1/100 s) after boot. */
  readonly startTicks: number;
}

/** Reads the host's /proc. Whatever cannot be read, because the process is gone or hidden, is undefined. */
export class ProcFiles {
  constructor(private readonly root: string) {}

  facts(pid: number): ProcFacts | undefined {
    const stat = this.#read(pid, "stat");
    const status = this.#read(pid, "status");
    const parsed = stat === undefined ? undefined : parseStat(stat);
    if (parsed === undefined || status === undefined) return undefined;
    return {
      name: unescape(/^Name:\t(.*)$/m.exec(status)?.[1] ?? parsed.comm),
      ppid: parsed.ppid,
      uid: Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? 0),
      startTicks: parsed.startTicks,
    };
  }

  executable(pid: number): string | undefined {
    try {
      return readlinkSync(join(this.root, String(pid), "exe")).replace(/ \(deleted\)$/, "");
    } catch {
      return undefined;
    }
  }

  /** Path in the cgroup v2 hierarchy: the line of hierarchy 0 in cgroups(7). */
  cgroup(pid: number): string | undefined {
    return /^0::(.*)$/m.exec(this.#read(pid, "cgroup") ?? "")?.[1];
  }

  /** Nanoseconds since boot, suspended time included. */
  uptimeNs(): bigint | undefined {
    const seconds = Number.parseFloat(this.#read("", "uptime") ?? "");
    return Number.isNaN(seconds) ? undefined : BigInt(Math.round(seconds * 100)) * 10_000_000n;
  }

  #read(pid: number | "", file: string): string | undefined {
    try {
      return readFileSync(join(this.root, String(pid), file), "utf8");
    } catch {
      return undefined;
    }
  }
}

/** /proc/PID/status writes a newline in a name as `\n` and a backslash as `\\`. */
const unescape = (name: string) => name.replace(/\\([n\\])/g, (_, escaped) => (escaped === "n" ? "\n" : "\\"));
