// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A cgroup v2 directory of the benchmark's own; what is measured runs in it and nothing else does. */
export function makeCgroup(name: string): { path: string; remove(): void } {
  const mount = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
  if (!mount) throw new Error("no cgroup v2 hierarchy is mounted");
  const path = `${mount}/${name}-${process.pid}`;
  mkdirSync(path);
  return { path, remove: () => rmdirSync(path) };
}

/** Starts a command inside a cgroup: it joins before it becomes the command. */
export function spawnIn(cgroup: string, command: string, args: readonly string[]): ChildProcess {
  return spawn("sh", ["-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', cgroup, command, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}

export const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", () => resolve()));

/** All of a command's standard output. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout!) text += String(chunk);
  await exited(child);
  if (child.exitCode !== 0) throw new Error(`${child.spawnargs.join(" ")}: exit status ${child.exitCode}\n${text}`);
  return text;
}

/** The agent in its own process, told what to do line by line (agent.mjs). */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  /** @param config of ebpf-net, by default netflow alone; or of `plugin` */
  constructor(
    cgroup: string,
    intervalMs: number,
    config: object = { l7net_enabled: [] },
    plugin: "net" | "trace" = "net",
  ) {
    const script = fileURLToPath(new URL("agent.mjs", import.meta.url));
    const built = existsSync(fileURLToPath(new URL("../../packages/core/dist/index.js", import.meta.url)));
    if (!built) throw new Error("build first: npm run build");
    const whole = plugin === "net" ? { loopback: true, ...config } : config;
    this.#child = spawn(process.execPath, [script, cgroup, String(intervalMs), JSON.stringify(whole), plugin], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async tell<T = object>(command: "on" | "off" | "flush" | "report"): Promise<T> {
    this.#child.stdin!.write(`${command}\n`);
    const answer = await this.#answers.next();
    if (answer.done) throw new Error("the agent of the benchmark has died");
    return JSON.parse(answer.value) as T;
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await exited(this.#child);
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
