// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Teardown } from "./until.js";

/** Where a process runs. */
export interface Place {
  readonly cgroup?: { readonly path: string };
  readonly netns?: { readonly name: string };
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A process a test started. It is killed when the test is done. */
export interface Spawned {
  /** The command's own: the wrappers that put it in its place have become it. */
  readonly pid: number;
  /** Lines of its standard output, in order; ends with the process. One reader. */
  readonly lines: AsyncIterableIterator<string>;
  /** To its standard input. */
  write(text: string): void;
  writeLine(line?: string): void;
  /** The last of it: its standard input ends. */
  end(text?: string): void;
  /** Resolves when it has ended, whichever way. */
  readonly exited: Promise<Exit>;
  kill(signal?: NodeJS.Signals): void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard error, whole. */
  readonly stderr: string;
}

/** Joins the cgroup first, then becomes the command: no instruction of the command runs outside. */
const enterCgroup = 'echo $$ > "$1/cgroup.procs" || exit 126; shift; exec "$@"';

/** Where a command is. Without a path, a shell of busybox would take its own of that name. */
const pathOf = (command: string): string =>
  (process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path)) ?? command;

/** Starts a command in a cgroup and a network namespace; without either, just starts it. */
export function spawnIn(t: Teardown, place: Place, command: string, args: readonly string[] = []): Spawned {
  const inNetns = place.netns === undefined ? [] : [pathOf("ip"), "netns", "exec", place.netns.name];
  const inCgroup = place.cgroup === undefined ? [] : ["/bin/sh", "-c", enterCgroup, "sh", place.cgroup.path];
  const [first = command, ...rest] = [...inCgroup, ...inNetns, command, ...args];
  const options: SpawnOptions = { stdio: "pipe", env: { ...process.env, ...place.env }, cwd: place.cwd };
  const child = spawn(first, rest, options);
  const exited = exitOf(child);
  // A failure to start is told by `exited`; whoever needs the pid must know at once.
  if (child.pid === undefined) throw new Error(`cannot start ${first}`);
  const kill = (signal: NodeJS.Signals = "SIGKILL") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  };
  t.teardown(async () => {
    kill();
    await exited;
  });
  return {
    pid: child.pid,
    lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() as AsyncIterableIterator<string>,
    write: (text) => void child.stdin!.write(text),
    writeLine: (line = "") => void child.stdin!.write(`${line}\n`),
    end: (text = "") => void child.stdin!.end(text),
    exited,
    kill,
  };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // Writing to a process that has just ended is no error of the test.
  child.stdin!.on("error", () => {});
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: null, signal: null, stderr: String(error) }));
    child.on("close", (code, signal) => resolve({ code, signal, stderr }));
  });
}
