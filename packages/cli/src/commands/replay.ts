// SPDX-License-Identifier: MIT

import { Player, readRun, type RunRecording } from "@skep/backend-replay";
import { SkepError, type Exporter, type FlagValue, type Plugin } from "@skep/core";
import { loadRunConfig } from "../config.js";
import { configuredExporters } from "../exporters.js";
import { ExitStatus } from "../exit-status.js";
import { limitsOf } from "../limits.js";
import { createLog, logError } from "../log.js";
import { defaultOutput, exportersFor, type Output } from "../output.js";
import { createRegistry } from "../plugins.js";
import { logReady, logSummary } from "../report.js";
import { StopRequest } from "../stop-request.js";

export interface ReplayOptions {
  readonly output?: Output;
  /** Play what there is of a recording that was cut off. */
  readonly partial?: boolean;
}

export interface ReplayRequest {
  readonly file: string;
  readonly options: ReplayOptions;
  /** Keys of the configuration given as options: those of log and exporters count. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly exporters: readonly Exporter[];
}

/** Makes the points of a recording again, without kernel and privileges. Resolves to the exit status. */
export async function replay({ file, options, flags, exporters }: ReplayRequest): Promise<number> {
  const run = requireWhole(file, readRun(file), options.partial ?? false);
  const config = await loadRunConfig({ options: {}, flags, command: undefined });
  const log = createLog({ level: config.log_level, file: config.log });
  const ended = new AbortController();
  const player = new Player(run, {
    plugins: await pluginsOf(run),
    exporters: [
      ...exportersFor(options.output ?? defaultOutput()),
      ...(await configuredExporters(config)),
      ...exporters,
    ],
    log,
    sampling: limitsOf(config).sampling ?? {},
    signal: ended.signal,
  });
  const { agent } = player;
  agent.on("error", (error) => logError(log, error));
  const stop = new StopRequest(() => {});
  void stop.requested.then(() => ended.abort());
  const words = `replaying ${run.sessions.length} recordings of ${run.header.hostname}`;
  log.info({ event: "replay", file, host: run.header.host, complete: run.complete }, words);
  try {
    await player.play(() => logReady(log, agent.status()));
    return ExitStatus.done;
  } finally {
    stop.close();
    logSummary(log, agent.status(), agent.metrics());
  }
}

function requireWhole(file: string, run: RunRecording, partial: boolean): RunRecording {
  if (run.complete || partial) return run;
  throw new SkepError(
    "SKEP_ERR_RECORDING",
    `${file}: its end is missing: the file was cut off, or its recorder killed`,
    {
      hint: "--partial plays what there is",
    },
  );
}

const pluginsOf = (run: RunRecording): Promise<readonly Plugin[]> =>
  createRegistry().resolve([...new Set(run.sessions.map(({ header }) => header.plugin.name))]);
