// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** As far as it matters in tests; bpftool says more. */
export interface KernelProgram {
  readonly id: number;
  readonly type: string;
  /** Cut to 15 characters by the kernel. */
  readonly name?: string;
}

export interface KernelLink {
  readonly id: number;
  readonly type: string;
  readonly prog_id: number;
}

export interface KernelMap {
  readonly id: number;
  readonly type: string;
  readonly name?: string;
  readonly max_entries: number;
  readonly bytes_key: number;
  readonly bytes_value: number;
}

/** BPF programs a process holds by descriptors, as the kernel knows them. */
export const programsOf = (pid: number): readonly KernelProgram[] =>
  idsHeldBy(pid, "prog_id").flatMap((id) => shown<KernelProgram>("prog", id));

/** Links a process holds: what it has attached. */
export const linksOf = (pid: number): readonly KernelLink[] =>
  idsHeldBy(pid, "link_id").flatMap((id) => shown<KernelLink>("link", id));

export const mapsOf = (pid: number): readonly KernelMap[] =>
  idsHeldBy(pid, "map_id").flatMap((id) => shown<KernelMap>("map", id));

/** Whether the kernel still has an object, held by whomever. */
export const exists = (kind: "prog" | "link" | "map", id: number): boolean => shown(kind, id).length > 0;

/**
 * Ids in the `fdinfo` of a process's descriptors. bpftool's own list of owners needs a BPF program that lockdown refuses.
 * A link's fdinfo names its program too; that does not make it a program the process holds.
 */
function idsHeldBy(pid: number, key: "prog_id" | "link_id" | "map_id"): readonly number[] {
  const ids = new Set<number>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const info = fdinfo(pid, fd);
    if (key === "prog_id" && /^link_id:/m.test(info)) continue;
    const id = new RegExp(`^${key}:\\s*(\\d+)`, "m").exec(info);
    if (id !== null) ids.add(Number(id[1]));
  }
  return [...ids];
}

function fdinfo(pid: number, fd: string): string {
  try {
    return readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
  } catch {
    return ""; // closed meanwhile
  }
}

/** Empty when the kernel has let it go. */
function shown<T>(kind: string, id: number): readonly T[] {
  try {
    const json = execFileSync("bpftool", ["-j", kind, "show", "id", String(id)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    return [JSON.parse(json.toString("utf8")) as T];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw error;
    return [];
  }
}
