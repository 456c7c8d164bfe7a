// SPDX-License-Identifier: MIT

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SkepError } from "@skep/core";
import { unescapeMount } from "./host/mounts.js";

const prefix = "skep-run-";

/**
 * A cgroup of its own for one COMMAND: whatever the command starts stays in it, and nothing else is in it.
 * Lies below the agent's own cgroup, so limits of the surrounding service or container hold for the command too.
 */
export class CommandCgroup {
  private constructor(
    /** Directory in the mounted hierarchy. */
    readonly path: string,
    private readonly parent: string,
  ) {}

  /** @throws SkepError `SKEP_ERR_CGROUP2_MISSING` when there is no hierarchy or it is not writable */
  static create(): CommandCgroup {
    const parent = ownCgroup();
    sweep(parent);
    const path = join(parent, `${prefix}${process.pid}`);
    try {
      mkdirSync(path);
    } catch (error) {
      throw new SkepError("SKEP_ERR_CGROUP2_MISSING", `cannot make a cgroup in ${parent}`, {
        hint: "the cgroup v2 hierarchy must be writable for root (in a container: mount it rw)",
        cause: error,
      });
    }
    return new CommandCgroup(path, parent);
  }

  add(pid: number): void {
    writeFileSync(join(this.path, "cgroup.procs"), String(pid));
  }

  isPopulated(): boolean {
    return /^populated 1$/m.test(readFileSync(join(this.path, "cgroup.events"), "utf8"));
  }

  /** Resolves to true when the last process left, or to false after `limitMs`. */
  async waitUntilEmpty(limitMs: number): Promise<boolean> {
    for (const end = performance.now() + limitMs; this.isPopulated(); await pause(5)) {
      if (performance.now() >= end) return false;
    }
    return true;
  }

  /** Kills every process in it. */
  kill(): void {
    try {
      writeFileSync(join(this.path, "cgroup.kill"), "1"); // Linux 5.14
    } catch {
      for (const pid of processesOf(this.path)) signal(pid, "SIGKILL");
    }
  }

  /** Gives processes that are left back to the agent's own cgroup and removes this one. Never throws. */
  remove(): void {
    removeCgroup(this.path, this.parent);
  }
}

/** Where the cgroup v2 hierarchy is mounted (`/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` beside v1) and which part of it. */
export function cgroup2Mount(): { readonly point: string; readonly root: string } | undefined {
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [mount = "", filesystem = ""] = line.split(" - ");
    const [root, point] = mount.split(" ").slice(3);
    if (filesystem.startsWith("cgroup2 ") && root !== undefined && point !== undefined) {
      return { root, point: unescapeMount(point) };
    }
  }
  return undefined;
}

/** The directory of the agent's own cgroup. */
function ownCgroup(): string {
  const mount = cgroup2Mount();
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  if (mount === undefined || own === undefined) {
    throw new SkepError("SKEP_ERR_CGROUP2_MISSING", "no cgroup v2 hierarchy is mounted", {
      hint: "mount one: mount -t cgroup2 none /sys/fs/cgroup",
    });
  }
  // A container without a cgroup namespace sees a subtree mounted, but its path from the real root.
  const { root, point } = mount;
  return join(point, root !== "/" && own.startsWith(root) ? own.slice(root.length) : own);
}

/** Removes what agents left that were killed. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    if (!signal(Number(name.slice(prefix.length)), 0)) removeCgroup(join(parent, name), parent);
  }
}

function removeCgroup(path: string, parent: string): void {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroup(join(path, entry.name), parent);
    }
    for (const pid of processesOf(path)) writeFileSync(join(parent, "cgroup.procs"), String(pid));
    rmdirSync(path);
  } catch {
    // somebody else's hands are in it: the next run's sweep tries again
  }
}

const processesOf = (path: string): number[] =>
  readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
