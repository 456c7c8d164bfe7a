// SPDX-License-Identifier: MIT

import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";

export interface FakeProcess {
  readonly program: string;
  readonly libraries?: readonly string[];
  readonly ppid?: number;
  readonly startTicks?: number;
  readonly cgroup?: string;
  readonly netns?: number;
}

/** A /proc in a directory. Paths of programs and libraries are below `files`, where real (small) files appear as they are named. */
export function fakeProc(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), "skep-mapped-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const procRoot = join(directory, "proc");
  const files = join(directory, "files");
  for (const made of [procRoot, files]) mkdirSync(made);
  const of = (pid: number, ...rest: string[]) => join(procRoot, String(pid), ...rest);

  /** Path of a file with this name; it exists afterwards. */
  const file = (name: string): string => {
    const path = join(files, name);
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, name);
    return path;
  };

  const kill = (pid: number) => rmSync(of(pid), { recursive: true, force: true });

  const spawn = (pid: number, process: FakeProcess) => {
    const { program, libraries = [], ppid = 1, startTicks = 100, cgroup = "/", netns = 1 } = process;
    kill(pid);
    for (const made of ["map_files", "ns"]) mkdirSync(of(pid, made), { recursive: true });
    writeFileSync(of(pid, "stat"), `${pid} (bee) S ${ppid} ${"0 ".repeat(17)}${startTicks} 0 0\n`);
    writeFileSync(of(pid, "cgroup"), `0::${cgroup}\n`);
    symlinkSync(`net:[${netns}]`, of(pid, "ns/net"));
    symlinkSync("/", of(pid, "root"));
    symlinkSync(file(program), of(pid, "exe"));
    const lines = [program, ...libraries].map((name, index) => {
      const path = file(name);
      const range = `${(0x1000 * (index + 1)).toString(16)}-${(0x1000 * (index + 1) + 0x800).toString(16)}`;
      symlinkSync(path, of(pid, "map_files", range));
      const padded = range.replace(/[0-9a-f]+/g, (hex) => hex.padStart(8, "0"));
      return `${padded} r-xp 00000000 08:01 ${statSync(path).ino}    ${path}`;
    });
    writeFileSync(of(pid, "maps"), [...lines, "7ffd000-7ffe000 r-xp 00000000 00:00 0    [vdso]", ""].join("\n"));
  };

  const mountinfo = (text: string) => {
    mkdirSync(join(procRoot, "self"), { recursive: true });
    writeFileSync(join(procRoot, "self/mountinfo"), text);
  };

  return { directory, procRoot, file, of, spawn, kill, mountinfo };
}
