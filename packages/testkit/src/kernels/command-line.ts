// SPDX-License-Identifier: MIT
import { Command, InvalidArgumentError } from "commander";
import { SkepError } from "@skep/core";
import { type KernelSeries, kernelSeries } from "./catalog.js";
import { runEverywhere, openShell } from "./commands/run.js";
import { fetchAll } from "./commands/fetch.js";
import { testMatrix } from "./commands/test.js";
import type { Options } from "./options.js";

/** Runs `skep-kernels` and returns its exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = new Command("skep-kernels")
    .description("Runs live tests on stock Debian kernels under QEMU, without hardware virtualisation")
    .argument("[globs...]", "test files", ["packages/*/test/live/**/*.test.ts"])
    .option("--kernel <labels>", "kernels, separated by commas", parseKernels, kernelSeries)
    .option("--match <title>", "only tests with such a title, * stands for anything")
    .option("--jobs <count>", "machines at a time", parseCount, 2)
    .option("--append <options>", "added to the kernel's command line, e.g. lockdown=confidentiality", "")
    .option("--timeout <seconds>", "limit for the tests or the command in one machine", parseCount, 900)
    .option("--boot-timeout <seconds>", "limit for one boot", parseCount, 120)
    .option("--run <command>", "run a shell command in the staged workspace instead of tests")
    .option("--shell", "open a shell in the staged workspace of one kernel")
    .option("--json <file>", "write the result as JSON")
    .option("--markdown <file>", "write the result as a Markdown table")
    .addHelpText(
      "after",
      "\nExit status: 0 all passed, 1 something failed, 3 nothing failed but a kernel is not available.",
    )
    .action(async (globs: string[], options: Options) => {
      status = await choose(globs, options);
    });
  program
    .command("fetch")
    .description("bring kernels and QEMU into the cache, newest versions of their suites")
    .action(async () => {
      status = await fetchAll(program.opts<Options>().kernel);
    });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    console.error(`skep-kernels: ${error.message}${error.hint === undefined ? "" : `\n  ${error.hint}`}`);
    status = 1;
  }
  return status;
}

function choose(globs: readonly string[], options: Options): Promise<number> {
  const workspace = process.cwd();
  if (options.shell) return openShell(workspace, options);
  if (options.run !== undefined) return runEverywhere(workspace, options.run, options);
  return testMatrix(workspace, globs, options);
}

function parseKernels(text: string): KernelSeries[] {
  return text.split(",").map((label) => {
    const series = kernelSeries.find((candidate) => candidate.label === label.trim());
    if (series !== undefined) return series;
    throw new InvalidArgumentError(`Known kernels: ${kernelSeries.map((known) => known.label).join(", ")}.`);
  });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("A whole number above 0 is needed.");
}
