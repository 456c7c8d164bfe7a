// SPDX-License-Identifier: MIT
import { writeFile } from "node:fs/promises";
import { GuestFactory, type Job } from "../guest.js";
import { mapLimited, testKernel } from "../matrix.js";
import { type MatrixOutcome, exitStatus } from "../outcome.js";
import { renderMarkdown, renderText } from "../table.js";
import { type Options, deadlinesOf } from "../options.js";
import { tellOnStderr as tell } from "../tell.js";

/** Runs the test files on each chosen kernel, prints the matrix, and returns the exit status. */
export async function testMatrix(workspace: string, globs: readonly string[], options: Options): Promise<number> {
  const guests = await GuestFactory.prepare(workspace, tell);
  try {
    const job: Job = {
      script: avaScript(globs, options.timeout, options.match),
      append: options.append,
      interactive: false,
      deadlines: deadlinesOf(options),
    };
    const kernels = await mapLimited(options.kernel, options.jobs, async (series) => {
      const outcome = await testKernel(guests, series, job, tell);
      tell(`${outcome.label}: ${outcome.verdict}${outcome.reason === undefined ? "" : `, ${outcome.reason}`}`);
      return outcome;
    });
    const outcome: MatrixOutcome = { qemu: guests.qemuVersion, append: options.append, kernels };
    console.log(renderText(outcome));
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(outcome, undefined, 2)}\n`);
    if (options.markdown !== undefined) await writeFile(options.markdown, renderMarkdown(outcome));
    return exitStatus(outcome);
  } finally {
    await guests.close();
  }
}

/**
 * Runs ava over the transpiled files, one at a time: an emulated processor gains nothing from two.
 * Files run in processes, not in worker threads, so that a crash in native code ends one file and not all.
 */
export function avaScript(globs: readonly string[], timeoutSeconds: number, match?: string): string {
  const files = globs.map((glob) => quoted(glob.replace(/\.ts$/, ".js")));
  const options = ["--tap", "--serial", "--concurrency 1", "--no-worker-threads", `--timeout ${timeoutSeconds}s`];
  if (match !== undefined) options.push("--match", quoted(match));
  return ["exec node node_modules/ava/entrypoints/cli.mjs", ...options, ...files].join(" ");
}

/** For a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
