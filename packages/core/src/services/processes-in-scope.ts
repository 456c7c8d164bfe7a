// SPDX-License-Identifier: MIT

import { readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { withDescendants } from "../agent/scope-maps.js";
import { isWholeHost, type Scope } from "../scope.js";

/**
 * The scope as user space sees it, from /proc: for what is read there rather than told by the kernel. The answer is that of this
 * moment: ask for a new one before each walk over the processes.
 */
export function processesInScope(scope: Scope, procRoot: string): (pid: number) => boolean {
  if (isWholeHost(scope)) return () => true;
  const pids = new Set(scope.pids?.length ? withDescendants(scope.pids, procRoot) : []);
  const namespaces = new Set((scope.netns ?? []).map(netnsOf));
  const mounts = scope.cgroups?.length ? cgroup2Mounts(procRoot) : [];
  const cgroups = (scope.cgroups ?? []).map((path) => hierarchyPath(path, mounts));
  const read = (pid: number, file: string) => quietly(() => readFileSync(join(procRoot, String(pid), file), "utf8"));
  return (pid) => {
    if (pids.has(pid)) return true;
    if (namespaces.size > 0) {
      const namespace = quietly(() => readlinkSync(join(procRoot, String(pid), "ns/net")));
      if (namespace !== undefined && namespaces.has(namespace)) return true;
    }
    if (cgroups.length === 0) return false;
    const own = /^0::(.*)$/m.exec(read(pid, "cgroup") ?? "")?.[1];
    return own !== undefined && cgroups.some((path) => path !== undefined && isAtOrBelow(own, path));
  };
}

/** As links in /proc/PID/ns write it. */
const netnsOf = (path: string) => quietly(() => `net:[${statSync(path).ino}]`);

interface Mount {
  /** Which directory of the hierarchy is mounted. */
  readonly root: string;
  readonly point: string;
}

function cgroup2Mounts(procRoot: string): readonly Mount[] {
  const lines = quietly(() => readFileSync(join(procRoot, "self/mountinfo"), "utf8").split("\n")) ?? [];
  return lines.flatMap((line) => {
    const [mount = "", kind = ""] = line.split(" - ");
    const [, , , root, point] = mount.split(" ");
    return kind.startsWith("cgroup2 ") && root !== undefined && point !== undefined ? [{ root, point }] : [];
  });
}

/** The path of a cgroup's directory as /proc/PID/cgroup writes it; undefined when it is no directory of the hierarchy. */
function hierarchyPath(directory: string, mounts: readonly Mount[]): string | undefined {
  const real = quietly(() => realpathSync(directory)) ?? directory;
  const mount = mounts.find(({ point }) => isAtOrBelow(real, point));
  return mount && join(mount.root, real.slice(mount.point.length));
}

const isAtOrBelow = (path: string, ancestor: string) =>
  path === ancestor || path.startsWith(ancestor.endsWith("/") ? ancestor : `${ancestor}/`);

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
