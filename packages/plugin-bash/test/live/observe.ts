// SPDX-License-Identifier: MIT

import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import { type Agent, createAgent, type PluginStatus, type Point } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { cProgram, liveTests, scopedCgroup, type ScopedCgroup, spawnIn, type Teardown, until } from "@skep/testkit";
import test, { type ExecutionContext, type ImplementationFn } from "ava";
import { bash } from "../../src/index.js";

const needs = ["root", "cgroup2", "tp_btf", "uretprobe"];
const register = await liveTests(test, [...needs, "command:zsh", "command:fish"]);

/** A test of ebpf-bash on the running kernel; `more` names what it needs besides. */
export const live = (title: string, run: ImplementationFn<[]>, ...more: ("command:zsh" | "command:fish")[]): void =>
  register([...needs, ...more], title, run);

/** One for the file: what works on this kernel is found out once. */
const backend = libbpfBackend();

/** An agent with ebpf-bash and ebpf-process, limited to a cgroup of the test's own. */
export interface Observer {
  readonly cgroup: ScopedCgroup;
  readonly agent: Agent;
  /** What `before` started. */
  readonly started: Shell | undefined;
  readonly points: readonly Point[];
  status(): PluginStatus;
  /** Commands of a shell so far. */
  commandsOf(pid: number): string[];
  /** Waits for a command of a shell. */
  seen(pid: number, cmd: string): Promise<Point>;
}

export interface ObserverOptions {
  readonly config?: object;
  /** Where the agent looks for `bin/bash`. Default: nowhere. */
  readonly hostRoot?: string;
  /** Starts a shell before the agent. */
  before?(cgroup: ScopedCgroup): Promise<Shell>;
}

export async function observer(
  t: Teardown,
  { config = {}, hostRoot = "/nonexistent", before }: ObserverOptions = {},
): Promise<Observer> {
  const cgroup = scopedCgroup(t, basename(test.meta.file, ".test.ts"));
  const started = await before?.(cgroup);
  const points: Point[] = [];
  const agent = createAgent({
    backend,
    plugins: [processes, { plugin: bash, config, required: true }],
    scope: { cgroups: [cgroup.path] },
    // This machine's own bash is left alone.
    env: { HOST_ROOT: hostRoot },
    interval: 3_600_000,
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
  });
  agent.on("point", (point) => points.push(point));
  t.teardown(() => agent.stop());
  await agent.start();
  const ofShell = (pid: number) => points.filter(({ fields }) => fields["pid"] === String(pid));
  return {
    cgroup,
    agent,
    started,
    points,
    status: () => agent.status().plugins.find(({ name }) => name === "ebpf-bash")!,
    commandsOf: (pid) => ofShell(pid).map(({ fields }) => String(fields["cmd"])),
    seen: (pid, cmd) =>
      until(() => ofShell(pid).find(({ fields }) => fields["cmd"] === cmd), {
        what: `the command ${cmd.slice(0, 60)} of ${pid} is seen`,
        deadlineMs: 20_000,
      }),
  };
}

/** A shell in a terminal of its own. */
export interface Shell {
  readonly pid: number;
  type(text: string): void;
  /** Types a line, and waits until the shell asks for the next one. */
  run(line: string, end?: string): Promise<void>;
  /** Resolves when the terminal is closed. */
  readonly exited: Promise<unknown>;
  /** Resolves when it has ended; its history, a line each. */
  leave(): Promise<string[]>;
}

/** Printed before each prompt, at the beginning of a line of its own. */
export const mark = "~next~";

export interface ShellOptions {
  readonly cgroup?: ScopedCgroup | undefined;
  /** Home, and where the history goes. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `--root DIRECTORY`, `--uid UID`. */
  readonly terminal?: readonly string[];
  /** Default true: wait for the first prompt. */
  readonly waits?: boolean;
}

export const terminalProgram = (): string => cProgram(new URL("support/terminal.c", import.meta.url));

/** Starts a shell in a terminal. */
export async function startShell(t: Teardown, options: ShellOptions): Promise<Shell> {
  const { cgroup, directory, command, terminal = [], waits = true } = options;
  const history = join(directory, "history");
  const env = {
    PS1: `\n${mark}\n`,
    PS2: "",
    HISTFILE: history,
    HISTSIZE: "100000",
    HISTFILESIZE: "100000",
    HISTCONTROL: "",
    TERM: "xterm",
    LC_ALL: "C.UTF-8",
    HOME: directory,
    ...options.env,
  };
  const spawned = spawnIn(t, { env, ...(cgroup && { cgroup }) }, terminalProgram(), [...terminal, ...command]);
  const pid = Number((await spawned.lines.next()).value);
  let prompts = 0;
  void (async () => {
    for await (const line of spawned.lines) if (line.includes(mark)) prompts++;
  })();
  const type = (text: string) => spawned.write(text);
  const prompted = (count: number) =>
    until(() => prompts >= count, { what: `prompt ${count} of ${command.join(" ")}`, deadlineMs: 20_000 });
  if (waits) await prompted(1);
  return {
    pid,
    type,
    async run(line, end = "\r") {
      const next = prompts + 1;
      type(line + end);
      await prompted(next);
    },
    exited: spawned.exited,
    async leave() {
      type("exit\r");
      await spawned.exited;
      return readFileSync(history, "utf8").split("\n").slice(0, -1);
    },
  };
}

/** A directory with a copy of a program that nobody else runs. */
export function copyOf(
  t: Teardown,
  program: string,
  name: string,
): { readonly directory: string; readonly path: string } {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "skep-bash-"));
  // A shell whose terminal is gone still writes its history.
  t.teardown(() => rmSync(directory, { recursive: true, maxRetries: 20 }));
  chmodSync(directory, 0o755);
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(program, path);
  chmodSync(path, 0o755);
  return { directory, path };
}

/** Without the files a user may have written. */
export const bashOptions = ["--norc", "--noprofile", "-i"] as const;

/** A copied bash in a terminal. */
export async function startBash(t: Teardown, options: Partial<ShellOptions> = {}): Promise<Shell> {
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  return startShell(t, { directory, command: [path, ...bashOptions], ...options });
}

/** observed = emitted + aggregated + dropped, with nothing waiting after a flush. */
export async function nothingUnaccounted(t: ExecutionContext, { agent, status }: Observer): Promise<void> {
  await agent.flush();
  const { counters } = status();
  const dropped = Object.values(counters.dropped).reduce((total, count) => total + count, 0);
  t.is(counters.observed, counters.emitted + counters.aggregated + dropped, JSON.stringify(counters));
}
