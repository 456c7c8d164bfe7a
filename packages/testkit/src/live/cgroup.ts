// SPDX-License-Identifier: MIT

import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SkepError } from "@skep/core";
import { type Teardown, until } from "./until.js";

/** A cgroup v2 of a test's own. */
export interface ScopedCgroup {
  /** Its directory, as `Scope.cgroups` takes it. */
  readonly path: string;
  /** What `bpf_get_current_cgroup_id()` says inside: the inode of the directory. */
  readonly id: bigint;
  /** Processes in it now. */
  pids(): number[];
  /** Moves a process in. */
  add(pid: number): void;
  /** Kills what is in it and removes it. Idempotent; the test's teardown calls it. */
  remove(): Promise<void>;
}

let made = 0;

/** Where cgroup v2 is mounted, wherever that is (`/sys/fs/cgroup`, or `unified` below it); undefined when it is not. */
export function cgroup2Root(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): string | undefined {
  for (const line of mountinfo.split("\n")) {
    const [mount = "", kind = ""] = line.split(" - ");
    if (kind.startsWith("cgroup2 ")) return mount.split(" ")[4];
  }
  return undefined;
}

/** @throws SkepError `SKEP_ERR_CGROUP2_MISSING` */
export function scopedCgroup(t: Teardown, label = "test"): ScopedCgroup {
  const root = cgroup2Root();
  if (root === undefined) throw new SkepError("SKEP_ERR_CGROUP2_MISSING", "no cgroup v2 is mounted");
  const path = join(root, `skep-${label}-${process.pid}-${made++}`);
  mkdirSync(path);
  const { ino: id } = statSync(path, { bigint: true });
  const pids = () => pidsOf(path);
  const cgroup: ScopedCgroup = {
    path,
    id,
    pids,
    add: (pid) => writeFileSync(join(path, "cgroup.procs"), String(pid)),
    async remove() {
      await until(() => gone(path, pids), { what: `cgroup ${path} is empty` });
    },
  };
  t.teardown(() => cgroup.remove());
  return cgroup;
}

function pidsOf(path: string): number[] {
  try {
    return readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** One attempt; the processes need a moment to die, and may fork meanwhile. */
function gone(path: string, pids: () => number[]): boolean {
  for (const pid of pids()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has just exited.
    }
  }
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
