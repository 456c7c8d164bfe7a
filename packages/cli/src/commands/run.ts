// SPDX-License-Identifier: MIT

import { libbpfBackend } from "@skep/backend-libbpf";
import { createRunFile, recorder } from "@skep/backend-replay";
import {
  createAgent,
  isWholeHost,
  kernelSection,
  sectionOf,
  SkepError,
  type Config,
  type Exporter,
  type FlagValue,
  type Logger,
  type PluginEntry,
  type Scope,
} from "@skep/core";
import { loadRunConfig } from "../config.js";
import { parseDuration } from "../duration.js";
import { configuredExporters, deliveryOf, errorTeller, measurementsOf } from "../exporters.js";
import { hostFacts } from "../host-facts.js";
import { giveUpTheRest } from "../kept-capabilities.js";
import { live } from "../lifetime.js";
import { limitsOf } from "../limits.js";
import { createLog } from "../log.js";
import { ObservedCommand } from "../observed-command.js";
import { defaultOutput, exportersFor, type Output } from "../output.js";
import { withOwnTraces } from "../own-traces.js";
import { claimPidFile } from "../pid-file.js";
import { Reload, runReloading, type Reloaded } from "../reload.js";
import { builtins } from "../plugins.js";
import { logNotices } from "../report.js";
import { StopRequest } from "../stop-request.js";
import { replay } from "./replay.js";

/** Options of `skep run` that are not keys of the configuration. */
export interface RunOptions {
  readonly config?: string;
  readonly output?: Output;
  readonly duration?: string;
  readonly backend?: "libbpf" | "replay";
  /** What `--backend replay` plays. */
  readonly recording?: string;
  readonly scopeCgroup?: readonly string[];
  readonly scopePid?: readonly number[];
  readonly scopeNetns?: readonly string[];
  readonly strategy?: Readonly<Record<string, string>>;
}

export interface RunRequest {
  readonly options: RunOptions;
  /** Keys of the configuration given as options. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly command: readonly string[] | undefined;
  /** Further exporters, for programs that embed the command. */
  readonly exporters: readonly Exporter[];
  /** `skep record`: the file that everything the plugins learn is written to. */
  readonly recordTo?: string;
  /** Instead of the log of the configuration. */
  readonly log?: Logger;
  /** The process is the agent's alone: capabilities that nothing needs any more may be given up. */
  readonly ownsProcess?: boolean;
  /** Ends the run, flushed. */
  readonly signal?: AbortSignal;
}

/** Runs an agent until its COMMAND ends, its time is over or a signal comes. Resolves to the exit status. */
export async function run(request: RunRequest): Promise<number> {
  const { options, command } = request;
  if (options.backend === "replay") return replayRun(request);
  const duration = options.duration === undefined ? undefined : parseDuration("--duration", options.duration);
  const scope = scopeOf(options, command);
  const config = await loadRunConfig(request);
  const log = request.log ?? createLog({ level: config.log_level, file: config.log });
  logNotices(log, config);

  const removePidFile = config.pidfile === undefined ? undefined : claimPidFile(config.pidfile);
  const output = options.output ?? (request.recordTo === undefined ? defaultOutput() : "none");
  const reload = canReload(request) ? new Reload(() => loadRunConfig(request), log, config) : undefined;
  let observed: ObservedCommand | undefined;
  const stop = new StopRequest(() => observed?.abandon(), reload && (() => void reload.request()));
  request.signal?.addEventListener("abort", () => stop.now());
  try {
    if (command !== undefined) {
      observed = await ObservedCommand.start(command, output === "none" ? "inherit" : "stderr", log);
    }
    const runs = { request, scope: observed?.scope ?? scope, output, observed, stop, duration };
    return reload === undefined
      ? await runOnce({ ...runs, log }, config)
      : await runReloading((next) => runOnce({ ...runs, log: logOf(request, next), reload }, next), reload);
  } finally {
    observed?.abandon();
    stop.close();
    removePidFile?.();
  }
}

/** Everything a run has besides its configuration. */
interface Run {
  readonly request: RunRequest;
  readonly scope: Scope;
  readonly output: Output;
  readonly observed: ObservedCommand | undefined;
  readonly stop: StopRequest;
  readonly duration: number | undefined;
  readonly log: Logger;
  readonly reload?: Reload;
}

/** One agent from its start to its end. Resolves to the exit status, or to the configuration of the agent to follow. */
async function runOnce(run: Run & { readonly reload: Reload }, config: Config): Promise<number | Reloaded>;
async function runOnce(run: Run, config: Config): Promise<number>;
async function runOnce(run: Run, config: Config): Promise<number | Reloaded> {
  const { request, scope, output, observed, stop, duration, log, reload } = run;
  const { btf_path: btf, bpf_stats: programStats } = sectionOf(config, kernelSection);
  const backend = libbpfBackend(btf === undefined ? {} : { host: { btf } });
  const recording = request.recordTo === undefined ? undefined : createRunFile(request.recordTo);
  try {
    const observer = { backend, plugins: entriesOf(config) };
    const exporters = [
      ...exportersFor(output, measurementsOf(config)),
      ...(await configuredExporters(config)),
      ...request.exporters,
    ];
    const agent = createAgent({
      ...(recording === undefined ? observer : recorder(observer.backend, observer.plugins, () => recording.session())),
      exporters: withOwnTraces(config, exporters, log),
      interval: config.interval,
      ...(config.hostname === undefined ? {} : { hostname: config.hostname }),
      service: config.service,
      tags: config.tags,
      scope,
      strategies: request.options.strategy ?? {},
      programStats,
      ...limitsOf(config),
      ...deliveryOf(config),
      log,
    });
    const tell = errorTeller(config);
    if (tell !== undefined) agent.on("error", tell);
    const { interval, service, tags } = config;
    recording?.begin({ hostname: agent.status().hostname, interval, service, tags, host: { ...hostFacts(btf) } });
    // A COMMAND may belong to anybody, and is ended by this process. Another configuration may want any plugin.
    const needed = reload === undefined ? config.resolved : [...builtins, ...config.resolved];
    const mayGiveUp = request.ownsProcess === true && observed === undefined;
    const attached = mayGiveUp ? () => giveUpTheRest(needed, log) : undefined;
    return await live(agent, observed, stop, duration, log, reload?.next, attached);
  } finally {
    recording?.close();
    await backend.close();
  }
}

/** SIGHUP means another configuration where there is a file to read again and nobody whose end is awaited. */
const canReload = ({ options, command, exporters, recordTo }: RunRequest): boolean =>
  options.config !== undefined && command === undefined && recordTo === undefined && exporters.length === 0;

const logOf = ({ log }: RunRequest, config: Config): Logger =>
  log ?? createLog({ level: config.log_level, file: config.log });

const entriesOf = (config: Config): PluginEntry[] =>
  config.resolved.map((plugin) => ({ plugin, config: config.plugins.get(plugin.name) }));

/** `skep run --backend replay`: the recording comes from `--recording`, and so do plugins and their configuration. */
async function replayRun({ options, command, flags, exporters }: RunRequest): Promise<number> {
  const { recording, output } = options;
  if (recording === undefined) {
    throw new SkepError("SKEP_ERR_CONFIG", "--backend replay needs a recording", {
      hint: "name it with --recording FILE; skep record makes one",
    });
  }
  if (command !== undefined || !isWholeHost(scopeOf(options, undefined))) {
    throw new SkepError("SKEP_ERR_CONFIG", "a replay observes nothing: it takes no COMMAND and no --scope-*");
  }
  return replay({ file: recording, options: output === undefined ? {} : { output }, flags, exporters });
}

/** The scope of the options. @throws SkepError `SKEP_ERR_CONFIG` when there is a COMMAND, which is a scope of its own */
function scopeOf({ scopeCgroup: cgroups, scopePid: pids, scopeNetns: netns }: RunOptions, command: unknown): Scope {
  const scope: Scope = { ...(cgroups && { cgroups }), ...(pids && { pids }), ...(netns && { netns }) };
  if (command === undefined || isWholeHost(scope)) return scope;
  throw new SkepError("SKEP_ERR_CONFIG", "--scope-* and a COMMAND exclude each other", {
    hint: "a COMMAND is a scope of its own: leave one of them out",
  });
}
