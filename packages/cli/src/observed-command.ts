// SPDX-License-Identifier: MIT

import { setTimeout as pause } from "node:timers/promises";
import { SkepError, type Logger, type Scope } from "@skep/core";
import { CommandCgroup } from "./cgroup.js";
import { launch, type WaitingCommand } from "./launch.js";

/** How long processes that the COMMAND left behind are waited for, milliseconds. */
const stragglersMs = 1000;
/** How long the last connections get to close in the kernel after their processes are gone, milliseconds. */
const settleMs = 100;
/** Between SIGTERM and SIGKILL, milliseconds: leaves the agent the better part of the 5 s in which it has to stop. */
const terminationMs = 1000;

/** A COMMAND in a scope of its own: it and its children, nobody else. */
export class ObservedCommand {
  private constructor(
    private readonly process: WaitingCommand,
    private readonly cgroup: CommandCgroup | undefined,
    private readonly log: Logger,
  ) {}

  /**
   * Starts a process that waits to become `command`, already in its scope. Without a cgroup v2 hierarchy the scope is its pid.
   */
  static async start(command: readonly string[], stdout: "inherit" | "stderr", log: Logger): Promise<ObservedCommand> {
    const cgroup = cgroupFor(log);
    try {
      const waiting = await launch(command, stdout);
      cgroup?.add(waiting.pid);
      return new ObservedCommand(waiting, cgroup, log);
    } catch (error) {
      cgroup?.remove();
      throw error;
    }
  }

  get scope(): Scope {
    return this.cgroup === undefined ? { pids: [this.process.pid] } : { cgroups: [this.cgroup.path] };
  }

  /** Resolves to the command's exit status. */
  get ended(): Promise<number> {
    return this.process.ended;
  }

  /** Lets the command run. */
  release(): void {
    this.process.release();
  }

  /** After the command ended: what it left in the background is waited for, briefly, and its connections may finish closing. */
  async settle(): Promise<void> {
    if (this.cgroup !== undefined && !(await this.cgroup.waitUntilEmpty(stragglersMs))) {
      this.log.warn(
        { event: "stragglers" },
        "processes of the command still run: what they do from now on is not seen",
      );
    }
    await pause(settleMs);
  }

  /** Ends the command and all it started, gently first. `signal` undefined: it has heard already (Ctrl-C in its terminal). */
  async terminate(signal: NodeJS.Signals | undefined): Promise<void> {
    if (signal !== undefined) this.process.kill(signal);
    const gone = await Promise.race([this.ended, pause(terminationMs, undefined, { ref: false })]);
    if (gone === undefined) this.process.kill("SIGKILL");
    await this.ended;
    if (this.cgroup?.isPopulated()) this.cgroup.kill();
  }

  /** Ends what still runs of the command itself and removes the scope. Synchronous, idempotent. */
  abandon(): void {
    this.process.kill("SIGKILL");
    this.cgroup?.remove();
  }
}

function cgroupFor(log: Logger): CommandCgroup | undefined {
  try {
    return CommandCgroup.create();
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    const { code, hint, message } = error;
    log.warn({ event: "scope", code, hint }, `${message}: the command is observed by its process id instead`);
    return undefined;
  }
}
