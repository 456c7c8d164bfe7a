// SPDX-License-Identifier: MIT
import { SkepError } from "@skep/core";
import type { KernelSeries } from "../catalog.js";
import { GuestFactory, type Job } from "../guest.js";
import { LinePrefixer } from "../line-prefixer.js";
import type { Sinks } from "../machine.js";
import { mapLimited, obtainKernel, runPersistently } from "../matrix.js";
import { type Options, deadlinesOf } from "../options.js";
import { tellOnStderr as tell } from "../tell.js";

/**
 * `--run`: a command on each chosen kernel, its output passed on while it comes.
 * Returns the command's own status on a single kernel, else 1 when any failed.
 */
export async function runEverywhere(workspace: string, command: string, options: Options): Promise<number> {
  const job: Job = { script: command, append: options.append, interactive: false, deadlines: deadlinesOf(options) };
  const guests = await GuestFactory.prepare(workspace, tell);
  try {
    const several = options.kernel.length > 1;
    const statuses = await mapLimited(options.kernel, options.jobs, (series) => runOne(guests, series, job, several));
    return several ? Number(statuses.some((status) => status !== 0)) : (statuses[0] ?? 1);
  } finally {
    await guests.close();
  }
}

/** `--shell`: an interactive shell on one kernel; Ctrl-A X ends the machine. */
export async function openShell(workspace: string, options: Options): Promise<number> {
  const [series, ...others] = options.kernel;
  if (series === undefined || others.length > 0) {
    throw new SkepError("SKEP_ERR_CONFIG", "--shell needs one kernel", { hint: "for example --kernel 6.1" });
  }
  const deadlines = { ...deadlinesOf(options), jobMs: 24 * 3600 * 1000 };
  const job: Job = { script: "exec bash -i", append: options.append, interactive: true, deadlines };
  const guests = await GuestFactory.prepare(workspace, tell);
  try {
    return await runOne(guests, series, job, false);
  } finally {
    await guests.close();
  }
}

async function runOne(guests: GuestFactory, series: KernelSeries, job: Job, prefixed: boolean): Promise<number> {
  const kernel = await obtainKernel(series, tell).catch((error: unknown) => tell((error as Error).message));
  if (kernel === undefined) return 1;
  const prefix = prefixed ? `${series.label} | ` : "";
  const lines = { out: new LinePrefixer(process.stdout, prefix), err: new LinePrefixer(process.stderr, prefix) };
  const sinks: Sinks = { out: (bytes) => lines.out.write(bytes), err: (bytes) => lines.err.write(bytes) };
  const { ending, serialLog } = await runPersistently(guests, kernel, job, () => sinks, tell);
  lines.out.end();
  lines.err.end();
  if (ending.kind === "exited") return ending.status;
  if (ending.kind === "late") tell(`${series.label}: the command did not end within its time limit`);
  else tell(`${series.label}: ${ending.reason}; the console said:\n${serialLog.split("\n").slice(-40).join("\n")}`);
  return 1;
}
