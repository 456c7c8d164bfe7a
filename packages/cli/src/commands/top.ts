// SPDX-License-Identifier: MIT

import { Player, readRun } from "@skep/backend-replay";
import { SkepError, type Exporter, type FlagValue, type Logger, type Point } from "@skep/core";
import { ExitStatus } from "../exit-status.js";
import { createRegistry } from "../plugins.js";
import { TopSession } from "../top/session.js";
import { run, type RunOptions } from "./run.js";

export interface TopRequest {
  readonly options: RunOptions;
  readonly flags: Readonly<Record<string, FlagValue>>;
}

/** A list is worth looking at every so often. */
const defaults = { interval: "2s", enabled: "ebpf-net,ebpf-bash" };

/** Shows what goes on, live, until the user leaves. Resolves to the exit status. */
export async function top({ options, flags }: TopRequest): Promise<number> {
  if (!process.stdout.isTTY) {
    throw new SkepError("SKEP_ERR_CONFIG", "skep top needs a terminal", {
      hint: "for a file or another program: skep run --output table, ndjson or line",
    });
  }
  const session = new TopSession();
  try {
    if (options.recording !== undefined) return await overRecording(session, options.recording);
    return await run({
      options: { ...options, output: "none" },
      flags: { ...defaults, ...flags },
      command: undefined,
      exporters: [exporterTo((points) => session.take(points))],
      log: logTo((message) => session.notice(message)),
      signal: session.left,
    });
  } finally {
    session.close();
  }
}

/** A recording is read to its end and then looked at: rates are means over all of it. */
async function overRecording(session: TopSession, file: string): Promise<number> {
  const recording = readRun(file);
  const points: Point[] = [];
  const names = [...new Set(recording.sessions.map(({ header }) => header.plugin.name))];
  const plugins = await createRegistry().resolve(names);
  await new Player(recording, { plugins, exporters: [exporterTo((more) => void points.push(...more))] }).play();
  const begin = recording.sessions.map(({ header }) => Number(header.clock.monotonicNs));
  const end = recording.sessions.map(({ endNs }) => Number(endNs));
  session.showAll(points, (Math.max(...end) - Math.min(...begin)) / 1e9);
  await new Promise((resolve) => session.left.addEventListener("abort", resolve));
  return ExitStatus.done;
}

const exporterTo = (take: (points: readonly Point[]) => void): Exporter => ({
  name: "top",
  batchPoints: 100_000,
  export: take,
});

/** A log of which only trouble is shown, its last line: there is no room for more. */
function logTo(show: (message: string) => void): Logger {
  const trouble = (_fields: object, message: string) => show(message);
  const log: Logger = { debug: () => {}, info: () => {}, warn: trouble, error: trouble, child: () => log };
  return log;
}
