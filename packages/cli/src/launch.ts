// SPDX-License-Identifier: MIT

import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { SkepError } from "@skep/core";
import { statusOfEnd } from "./exit-status.js";

/** A process that waits to become the COMMAND, so that everything can be attached before its first instruction. */
export interface WaitingCommand {
  readonly pid: number;
  /** Lets it go: the process becomes the command, with the same pid. */
  release(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves to the exit status, 128 + signal when killed. */
  readonly ended: Promise<number>;
}

/** Waits for a line on descriptor 3, closes it and becomes the command. When the agent dies first, the read fails and so does it. */
const gate = 'read -r _ <&3 && exec 3<&- && exec "$@"';

/**
 * Starts a process that waits to become `command`. It stays in the agent's process group, so that a terminal's Ctrl-C and job
 * control reach it as they would without Skep.
 * @param stdout `stderr` when Skep's stdout carries points
 */
export async function launch(command: readonly string[], stdout: "inherit" | "stderr"): Promise<WaitingCommand> {
  const child = spawn("/bin/sh", ["-c", gate, "skep", ...command], {
    stdio: ["inherit", stdout === "inherit" ? 1 : 2, 2, "pipe"],
  });
  const ended = new Promise<number>((resolve) =>
    child.once("exit", (code, signal) => resolve(statusOfEnd(code, signal))),
  );
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new SkepError("SKEP_ERR_TOOL", `cannot start ${command[0]}: ${cause.message}`, { cause })),
    );
  });
  const gateInput = child.stdio[3] as Writable;
  gateInput.on("error", () => {}); // the process ended before it was let go; `ended` tells
  return {
    pid: child.pid ?? 0,
    release: () => void gateInput.end("go\n"),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
