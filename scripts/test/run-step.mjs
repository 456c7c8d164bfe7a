// SPDX-License-Identifier: MIT
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { programFolders } from "../setup/host.mjs";
import { root } from "../setup/stamp.mjs";
import { tallyOf, withOutcome } from "./tally.mjs";

/**
 * Runs one step to its end, or to its limit: then it and all it started are killed.
 * @param {import("./steps.mjs").TestStep} step
 * @param {{ echo: boolean }} options echo: show the output while it comes, for a step that runs alone
 */
export async function runStep(step, { echo }) {
  const begin = performance.now();
  const [command, ...args] = step.command;
  const env = { ...process.env, PATH: programFolders().join(":") };
  const child = spawn(command, args, { cwd: root, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (echo) process.stdout.write(text);
    });
  }
  const killGroup = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // already gone
    }
  };
  // Its own process group keeps it from the terminal's Ctrl-C, so that is passed on.
  const interrupt = (signal) => killGroup(signal);
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  let ending;
  const timer = setTimeout(() => {
    ending = `longer than ${step.limit / 60_000} min`;
    killGroup("SIGKILL");
  }, step.limit);
  const status = await new Promise((resolve) => {
    child.on("error", (error) => resolve(`cannot start: ${error.message}`));
    child.on("close", (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(timer);
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  const problem = status === 0 ? undefined : (ending ?? (typeof status === "number" ? `status ${status}` : status));
  return {
    problem,
    output,
    seconds: (performance.now() - begin) / 1000,
    tally: withOutcome(tallyOf(output), problem === undefined),
  };
}
