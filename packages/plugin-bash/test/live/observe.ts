// SPDX-License-Identifier: MIT

import { chmodSync, copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import { type Agent, createAgent, type PluginStatus, type Point, type Scope } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { cProgram, liveTests, scopedCgroup, type ScopedCgroup, spawnIn, type Teardown, until } from "@skep/testkit";
import test, { type ImplementationFn } from "ava";
import { bash } from "../../src/index.js";

const needs = ["root", "cgroup2", "tp_btf", "uretprobe"];
const register = await liveTests(test, [...needs, "command:zsh", "command:chroot"]);
export const live = (title: string, run: ImplementationFn<[]>, ...more: ("command:zsh" | "command:chroot")[]): void =>
  register([...needs, ...more], title, run);

/** One for the file: what works on this kernel is found out once. */
const backend = libbpfBackend();

/** An agent with ebpf-bash and ebpf-process, limited to a cgroup of the test's own. */
export interface Observer {
  readonly cgroup: ScopedCgroup;
  readonly agent: Agent;
  readonly points: readonly Point[];
  status(): PluginStatus;
  /** Commands of a shell so far. */
  commandsOf(pid: number): string[];
  /** Waits for a command of a shell. */
  seen(pid: number, cmd: string): Promise<Point>;
}

export async function observer(
  t: Teardown,
  { config = {}, scope }: { readonly config?: object; readonly scope?: Scope } = {},
): Promise<Observer> {
  const cgroup = scopedCgroup(t, "bash");
  const points: Point[] = [];
  const agent = createAgent({
    backend,
    plugins: [processes, { plugin: bash, config, required: true }],
    scope: scope ?? { cgroups: [cgroup.path] },
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
  run(line: string): Promise<void>;
  /** Resolves when it has ended; its history, a line each. */
  leave(): Promise<string[]>;
}

/** Printed before each prompt, at the beginning of a line of its own. */
const mark = "~next~";

export interface ShellOptions {
  readonly directory: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a shell in a terminal, and waits for its prompt unless it is not to. */
export async function startShell(
  t: Teardown,
  { cgroup }: { readonly cgroup?: ScopedCgroup },
  { directory, command, env }: ShellOptions,
  waits = true,
): Promise<Shell> {
  const history = join(directory, "history");
  const settings = {
    PS1: `\n${mark}\n`,
    PS2: "",
    HISTFILE: history,
    HISTSIZE: "100000",
    HISTFILESIZE: "100000",
    HISTCONTROL: "",
    TERM: "xterm",
    LC_ALL: "C.UTF-8",
    HOME: directory,
    ...env,
  };
  const spawned = spawnIn(
    t,
    { env: settings, ...(cgroup && { cgroup }) },
    cProgram(new URL("support/terminal.c", import.meta.url)),
    command,
  );
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
    async run(line) {
      const next = prompts + 1;
      type(`${line}\r`);
      await prompted(next);
    },
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
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, name);
  copyFileSync(program, path);
  chmodSync(path, 0o755);
  return { directory, path };
}

/** A copied bash in a terminal. */
export async function startBash(t: Teardown, place: { readonly cgroup?: ScopedCgroup }, waits = true): Promise<Shell> {
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  return startShell(t, place, { directory, command: [path, "--norc", "--noprofile", "-i"] }, waits);
}
