// SPDX-License-Identifier: MIT

import { existsSync, mkdirSync, realpathSync, rmdirSync } from "node:fs";
import { join, sep } from "node:path";
import { isWholeHost, SkepError, type Scope } from "@skep/core";
import type { Host } from "./host.js";

/**
 * The cgroup directories to which a scope's cgroup programs are attached.
 *
 * Its own cgroups and those its processes live in; the root of the hierarchy for the whole host, and for a network namespace,
 * which has no cgroup. The programs filter finer. A directory below another one of the list is left out:
 * programs run for all descendants, and twice would count twice.
 *
 * @throws SkepError `SKEP_ERR_CGROUP2_MISSING`, or `SKEP_ERR_SCOPE` for a cgroup or process that is not there.
 */
export function cgroupsOf(scope: Scope, host: Host): readonly string[] {
  const root = requireRoot(host);
  if (isWholeHost(scope) || scope.netns?.length) return [root];
  const directories = [
    ...(scope.cgroups ?? []).map((path) => existing(path, `cgroup ${path}`)),
    ...(scope.pids ?? []).map((pid) => {
      const path = host.cgroupOf(pid);
      if (path === undefined) throw outOfScope(`process ${pid} has no cgroup: is it gone?`);
      return existing(join(root, path), `cgroup of process ${pid}`);
    }),
  ];
  const unique = [...new Set(directories)];
  return unique.filter((path) => !unique.some((other) => path !== other && isBelow(path, other)));
}

/**
 * Where cgroup programs are attached for a trial, and the cleaning up. For the whole host that is a child cgroup of our own
 * with nobody in it; the root itself where none can be made (containers mount the hierarchy read-only).
 */
export function trialCgroups(
  scope: Scope,
  host: Host,
): { readonly cgroups: readonly string[]; readonly remove: () => void } {
  const cgroups = cgroupsOf(scope, host);
  if (!isWholeHost(scope)) return { cgroups, remove: () => {} };
  const child = join(cgroups[0]!, `skep-trial-${process.pid}-${++trials}`);
  try {
    mkdirSync(child);
  } catch {
    return { cgroups, remove: () => {} };
  }
  return { cgroups: [child], remove: () => rmdirSync(child) };
}
let trials = 0;

function requireRoot(host: Host): string {
  const root = host.cgroupRoot();
  if (root !== undefined && existsSync(root)) return root;
  throw new SkepError("SKEP_ERR_CGROUP2_MISSING", "no cgroup v2 hierarchy is mounted", {
    phase: "attach",
    hint: "mount -t cgroup2 none /sys/fs/cgroup/unified (it may stand beside cgroup v1), or mount the host's into the container",
  });
}

function existing(path: string, what: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw outOfScope(`${what} does not exist`);
  }
}

const isBelow = (path: string, ancestor: string): boolean =>
  path.startsWith(ancestor.endsWith(sep) ? ancestor : ancestor + sep);

const outOfScope = (message: string): SkepError =>
  new SkepError("SKEP_ERR_SCOPE", `scope: ${message}`, {
    phase: "attach",
    hint: "name directories below the cgroup v2 mount and processes that live",
  });
