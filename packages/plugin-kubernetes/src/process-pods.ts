// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessEntry, ProcessTable } from "@skep/core";
import { podOfCgroups, type PodIds } from "./cgroup-pod.js";

/** Which pod a process runs in, as its cgroup says: right also for pods that share their node's network. */
export class ProcessPods {
  /** Read once in a process's life: nobody leaves a container. `null`: in none. */
  readonly #known = new WeakMap<ProcessEntry, PodIds | null>();

  /** @param procRoot the host's /proc */
  constructor(
    private readonly processes: ProcessTable,
    private readonly procRoot: string,
  ) {}

  /** Undefined when it runs in none, or ended before it was first asked for. */
  of(pid: number): PodIds | undefined {
    const process = this.processes.get(pid);
    if (process === undefined) return undefined;
    let ids = this.#known.get(process);
    if (ids === undefined && process.exitedNs === undefined) {
      ids = this.#read(pid);
      if (ids !== undefined) this.#known.set(process, ids);
    }
    return ids ?? undefined;
  }

  /** Undefined when the process is just gone. */
  #read(pid: number): PodIds | null | undefined {
    try {
      return podOfCgroups(readFileSync(join(this.procRoot, String(pid), "cgroup"), "utf8")) ?? null;
    } catch {
      return undefined;
    }
  }
}
