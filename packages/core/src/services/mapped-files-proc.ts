// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { MappedFile } from "./mapped-files.js";
import { parseStat } from "./proc-stat.js";

/** A file that is mapped executable: a line of /proc/PID/maps. */
export interface Mapping {
  /** As the kernel names it, without the mark of a deleted file. */
  readonly path: string;
  readonly inode: string;
  /** `start-end` in hexadecimal, as /proc/PID/map_files has it. */
  readonly range: string;
}

/** `statfs` type of an overlay (OVERLAYFS_SUPER_MAGIC, linux/magic.h). */
const overlayMagic = 0x794c7630;
const deletedMark = / \(deleted\)$/;

/** What MappedFiles reads of the host's /proc. Whatever cannot be read, because the process is gone or hidden, is undefined. */
export class MappedFilesProc {
  constructor(private readonly root: string) {}

  pids(): number[] {
    return (attempt(() => readdirSync(this.root)) ?? []).map(Number).filter(Number.isInteger);
  }

  /** When it started, in clock ticks: tells a process from a later one with its pid. */
  startTicks(pid: number): number | undefined {
    const stat = attempt(() => readFileSync(this.#of(pid, "stat"), "latin1"));
    return stat === undefined ? undefined : parseStat(stat)?.startTicks;
  }

  /** The program a process runs; undefined for a kernel thread. */
  program(pid: number): MappedFile | undefined {
    const openPath = this.#of(pid, "exe");
    const path = attempt(() => readlinkSync(openPath))?.replace(deletedMark, "");
    const id = path === undefined ? undefined : fileIdentity(openPath);
    return path === undefined || id === undefined
      ? undefined
      : { pid, path, openPath, id, isProgram: true, program: path };
  }

  mappings(pid: number): readonly Mapping[] {
    return parseMaps(attempt(() => readFileSync(this.#of(pid, "maps"), "utf8")) ?? "");
  }

  /** Opened by the mapping, which leads to the very file even when its name is gone or another's by now. */
  library(program: MappedFile, { path, inode, range }: Mapping): MappedFile | undefined {
    const byMapping = this.#of(program.pid, "map_files", range);
    const exact = fileIdentity(byMapping);
    if (exact !== undefined) return fileOf(program, path, byMapping, exact);
    // map_files takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; the name is as good while it leads to the same inode.
    const byName = this.#of(program.pid, "root", path);
    const isSame = attempt(() => statSync(byName, { bigint: true }).ino)?.toString() === inode;
    const id = isSame ? fileIdentity(byName) : undefined;
    return id === undefined ? undefined : fileOf(program, path, byName, id);
  }

  /** A file the process has not mapped yet, by its name there. */
  byName(program: MappedFile, path: string): MappedFile | undefined {
    const openPath = this.#of(program.pid, "root", path);
    const id = fileIdentity(openPath);
    return id === undefined ? undefined : fileOf(program, path, openPath, id);
  }

  #of(pid: number, ...rest: readonly string[]): string {
    return join(this.root, String(pid), ...rest);
  }
}

/** Mappings of files that hold code, each file once. Memory without a file and the kernel's own pages are none. */
export function parseMaps(text: string): readonly Mapping[] {
  const byFile = new Map<string, Mapping>();
  for (const line of text.split("\n")) {
    // address perms offset dev inode path: proc_pid_maps(5)
    const found = /^0*([0-9a-f]+)-0*([0-9a-f]+) ..x. \S+ (\S+) ([1-9]\d*) +(\/.*)$/.exec(line);
    if (found === null) continue;
    const [, start, end, device, inode = "", escaped = ""] = found;
    const path = escaped.replace(deletedMark, "").replaceAll("\\012", "\n");
    const key = `${device} ${inode} ${path}`;
    if (!byFile.has(key)) byFile.set(key, { path, inode, range: `${start}-${end}` });
  }
  return [...byFile.values()];
}

function fileOf({ pid, path: program }: MappedFile, path: string, openPath: string, id: string): MappedFile {
  return { pid, path, openPath, id, isProgram: false, program };
}

/**
 * {@link MappedFile.id}: device and inode. Two overlays that share a lower layer show one file under two devices, but the kernel probes the file
 * below: counted as two, a probe for all processes would be attached twice and see everything twice. An overlay keeps the
 * inode number, size and time of the file below.
 */
export function fileIdentity(openPath: string): string | undefined {
  return attempt(() => {
    const { dev, ino, size, mtimeNs } = statSync(openPath, { bigint: true });
    const isOverlay = statfsSync(openPath).type === overlayMagic;
    return isOverlay ? `overlay:${ino}:${size}:${mtimeNs}` : `${dev}:${ino}`;
  });
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
