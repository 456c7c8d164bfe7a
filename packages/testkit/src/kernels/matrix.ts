// SPDX-License-Identifier: MIT
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./cache.js";
import type { KernelSeries } from "./catalog.js";
import { type Kernel, cachedKernel, fetchKernel } from "./fetch.js";
import type { GuestFactory, GuestResult, Job } from "./guest.js";
import type { Sinks } from "./machine.js";
import { type KernelOutcome, judge } from "./outcome.js";
import { parseTap } from "./tap.js";
import { TestClock } from "./test-clock.js";
import type { Tell } from "./tell.js";

/** An emulated machine hangs or dies at boot about once in 140 times; that says nothing about what is tested. */
const maxAttempts = 3;

/** The cached kernel of a series, else a fetched one. Throws when it cannot be had. */
export async function obtainKernel(series: KernelSeries, tell: Tell): Promise<Kernel> {
  const cached = await cachedKernel(series.label);
  if (cached !== undefined) return cached;
  tell(`${series.label}: fetching`);
  return fetchKernel(series);
}

export interface AttemptedResult extends GuestResult {
  readonly attempts: number;
}

/** Runs a job, again when the machine was lost: never when the job ended, whatever its status, or ran out of time. */
export async function runPersistently(
  guests: Pick<GuestFactory, "run">,
  kernel: Kernel,
  job: Job,
  sinksOf: (attempt: number) => Sinks,
  tell: Tell,
): Promise<AttemptedResult> {
  for (let attempts = 1; ; attempts++) {
    const result = await guests.run(kernel, job, sinksOf(attempts));
    if (result.ending.kind !== "lost" || attempts === maxAttempts) return { ...result, attempts };
    tell(`${kernel.label}: attempt ${attempts} lost: ${result.ending.reason}; ${lastWords(result.serialLog)}`);
  }
}

/** The line of a console log that says most about a machine's end. */
export function lastWords(serialLog: string): string {
  const lines = serialLog.split("\n").map((line) => line.trim());
  const grave = lines.find((line) => /Kernel panic|BUG:|Oops|double fault|self-detected stall|init: .*: /.test(line));
  const words = grave ?? lines.findLast((line) => line !== "");
  return words === undefined ? "the console said nothing" : `the console said: ${words}`;
}

/** Runs the tests of one kernel and judges them. Never throws for what the kernel does. */
export async function testKernel(
  guests: GuestFactory,
  series: KernelSeries,
  job: Job,
  tell: Tell,
): Promise<KernelOutcome> {
  const started = performance.now();
  let kernel: Kernel;
  try {
    kernel = await obtainKernel(series, tell);
  } catch (error) {
    const reason = (error as Error).message;
    return { label: series.label, verdict: "unavailable", reason, tests: [], attempts: 0, durationMs: 0 };
  }
  let output = new Captured();
  const sinksOf = () => (output = new Captured()).sinks;
  const { ending, serialLog, attempts } = await runPersistently(guests, kernel, job, sinksOf, tell);
  const { out, err } = output.text();
  const report = parseTap(out);
  const judged = judge(ending, report);
  const logs = judged.verdict === "pass" ? {} : { logs: await keepLogs(series.label, { out, err, serial: serialLog }) };
  const { label, version, release } = kernel;
  const boot = ending.kind === "exited" ? { bootMs: Math.round(ending.bootMs) } : {};
  const durationMs = Math.round(performance.now() - started);
  return {
    label,
    version,
    release,
    ...judged,
    tests: output.clock.time(report.tests),
    attempts,
    ...boot,
    durationMs,
    ...logs,
  };
}

/** Maps with at most `limit` at a time; results keep the order of `items`. */
export async function mapLimited<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}

/** Output of one attempt: that of a lost machine is not mixed with the next one's. */
class Captured {
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  readonly clock = new TestClock();
  readonly sinks: Sinks = {
    out: (bytes) => {
      this.out.push(bytes);
      this.clock.push(bytes.toString("latin1"), performance.now());
    },
    err: (bytes) => void this.err.push(bytes),
  };

  text(): { readonly out: string; readonly err: string } {
    return { out: Buffer.concat(this.out).toString("utf8"), err: Buffer.concat(this.err).toString("utf8") };
  }
}

async function keepLogs(label: string, logs: Readonly<Record<string, string>>): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const folder = join(cacheFolder(), "logs", `${time}-${label}`);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(logs)) await writeFile(join(folder, `${name}.log`), text);
  return folder;
}
