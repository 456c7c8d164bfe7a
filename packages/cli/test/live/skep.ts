// SPDX-License-Identifier: MIT

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const workingTree = join(here, "../../../../bin/skep");

/** The command of the working tree; in a test kernel, which has no compiler, the one in its PATH. */
export const skep = existsSync(workingTree) ? workingTree : "skep";

/** Builds what the command is made of, if that changed. Nothing to do in a test kernel. */
export async function buildWorkingTree(): Promise<void> {
  if (skep === workingTree) await runProgram([process.execPath, join(here, "../../../../scripts/setup.mjs")]);
}

/** The traffic generator, which tells what it did. */
export const traffic = join(here, "../../../testkit/dist/traffic");

/** `traffic` with its server in another process: both ends of each connection are the command's. */
export const exchange = (...options: string[]): string[] => [traffic, "tcp-exchange", "--fork", ...options];

/** A line of Skep's log. */
export interface LogLine {
  readonly level: string;
  readonly event?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly msg: string;
  readonly plugins?: readonly Readonly<Record<string, unknown>>[];
}

/** A point as an ndjson line has it. */
export interface PointLine {
  readonly measurement: string;
  readonly time: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, number>>;
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly log: readonly LogLine[];
  readonly seconds: number;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with each log line as it comes. */
  readonly onLog?: (line: LogLine, kill: (signal: NodeJS.Signals) => void, pid: number) => void;
}

/** Runs a program, usually `skep`, to its end. Lines of stderr that are JSON are its log. */
export function runProgram([program = "", ...args]: readonly string[], options: SpawnOptions = {}): Promise<Ended> {
  const begin = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr, rest] = ["", "", ""];
  const log: LogLine[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.filter((candidate) => candidate.startsWith("{"))) {
      const parsed = JSON.parse(line) as LogLine;
      log.push(parsed);
      options.onLog?.(parsed, (signal) => child.kill(signal), child.pid ?? 0);
    }
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => {
      resolve({ status, signal, stdout, stderr, log, seconds: (performance.now() - begin) / 1000 });
    });
  });
}

export const pointsOf = ({ stdout }: Ended): PointLine[] =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as PointLine);

/** Sum of a field over points; one that a point lacks is 0. */
export const sum = (points: readonly PointLine[], field: string): number =>
  points.reduce((total, { fields }) => total + (fields[field] ?? 0), 0);
