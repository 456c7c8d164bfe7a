// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Session } from "../backend.js";
import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";
import { parseStat } from "../services/proc-stat.js";
import type { Scope } from "../scope.js";

/** `statfs` type of a cgroup v2 hierarchy (CGROUP2_SUPER_MAGIC, linux/magic.h). */
const cgroup2Magic = 0x63677270;

/** A scope as the kernel knows it. */
export interface ResolvedScope {
  /** Cgroup ids: the inode numbers of their directories. */
  readonly cgroups: readonly bigint[];
  /** Process ids that were named; their children are looked up when the maps are filled. */
  readonly pids: readonly number[];
  /** Inode numbers of the network namespaces. */
  readonly netns: readonly number[];
}

/**
 * Looks up what a scope names.
 * @param procRoot the host's /proc
 * @param isCgroup2 replaced by tests, which cannot make cgroups
 * @throws SkepError `SKEP_ERR_SCOPE` naming what does not exist.
 */
export function resolveScope(scope: Scope, procRoot: string, isCgroup2 = liesInCgroup2): ResolvedScope {
  return {
    cgroups: (scope.cgroups ?? []).map((path) => {
      const directory = inScope(`cgroup ${path}`, () => statSync(path, { bigint: true }));
      if (!directory.isDirectory() || !isCgroup2(path)) {
        throw new SkepError("SKEP_ERR_SCOPE", `the scope's cgroup ${path} is not a cgroup v2 directory`, {
          hint: "name a directory of the cgroup v2 hierarchy, such as /sys/fs/cgroup/system.slice",
        });
      }
      return directory.ino;
    }),
    pids: (scope.pids ?? []).map((pid) => {
      inScope(`process ${pid}`, () => statSync(join(procRoot, String(pid))));
      return pid;
    }),
    netns: (scope.netns ?? []).map((path) => {
      const file = inScope(`network namespace ${path}`, () => statSync(path, { bigint: true }));
      return Number(BigInt.asUintN(32, file.ino));
    }),
  };
}

/** Value of the constant `skep_scope_mask`: bit 0 cgroups, bit 1 pids, bit 2 network namespaces; 0 is the whole host. */
export const scopeMask = (scope: Scope): number =>
  (scope.cgroups?.length ? 1 : 0) | (scope.pids?.length ? 2 : 0) | (scope.netns?.length ? 4 : 0);

/**
 * Fills the scope maps a session has: `scope_cgroups` (u64 cgroup id), `scope_pids` (u32 tgid, living children
 * included), `scope_netns` (u32 inode); values are the u8 1.
 * Returns the kinds of the scope the session has no map for: what it cannot be limited to.
 */
export function fillScopeMaps(session: Session, scope: ResolvedScope, procRoot: string): string[] {
  const pids = scope.pids.length === 0 ? [] : withDescendants(scope.pids, procRoot);
  const kinds = [
    ["cgroups", scope.cgroups.map(u64)],
    ["pids", pids.map(u32)],
    ["netns", scope.netns.map(u32)],
  ] as const;
  const missing: string[] = [];
  for (const [kind, keys] of kinds) {
    if (keys.length === 0) continue;
    if (!session.hasMap(`scope_${kind}`)) {
      missing.push(kind);
      continue;
    }
    const map = session.map(`scope_${kind}`);
    for (const key of keys) map.update(key, Uint8Array.of(1));
  }
  return missing;
}

/** `pids` and every process that descends from them now. */
export function withDescendants(pids: readonly number[], procRoot: string): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync(procRoot)) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid, procRoot);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = new Set(pids);
  // A Set visits what is added while it is walked: grandchildren follow children.
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

function parentOf(pid: number, procRoot: string): number | undefined {
  try {
    return parseStat(readFileSync(join(procRoot, String(pid), "stat"), "latin1"))?.ppid;
  } catch {
    return undefined; // exited meanwhile
  }
}

function inScope<T>(what: string, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw new SkepError("SKEP_ERR_SCOPE", `the scope's ${what} does not exist: ${messageOf(cause)}`, {
      hint: "a scope names things that exist when the agent starts",
      cause,
    });
  }
}

function liesInCgroup2(path: string): boolean {
  return statfsSync(path).type === cgroup2Magic;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
