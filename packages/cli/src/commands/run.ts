// SPDX-License-Identifier: MIT

import { libbpfBackend } from "@skep/backend-libbpf";
import {
  createAgent,
  isWholeHost,
  SkepError,
  type Agent,
  type AgentStatus,
  type Backend,
  type Config,
  type Exporter,
  type FlagValue,
  type Logger,
  type Plugin,
  type PluginEntry,
  type Scope,
} from "@skep/core";
import { loadRunConfig } from "../config.js";
import { parseDuration } from "../duration.js";
import { ExitStatus } from "../exit-status.js";
import { createLog, logError } from "../log.js";
import { ObservedCommand } from "../observed-command.js";
import { defaultOutput, exportersFor, type Output } from "../output.js";
import { supportFor } from "../plugins.js";
import { logNotices, logReady, logSummary } from "../report.js";
import { StopRequest, type StopReason } from "../stop-request.js";

/** Options of `skep run` that are not keys of the configuration. */
export interface RunOptions {
  readonly config?: string;
  readonly output?: Output;
  readonly duration?: string;
  readonly backend?: "libbpf" | "replay";
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
}

/** All of `stop()`, milliseconds: with the COMMAND's own termination before it, a signal ends the process within 5 s. */
const stopMs = 3500;

/** Runs an agent until its COMMAND ends, its time is over or a signal comes. Resolves to the exit status. */
export async function run(request: RunRequest): Promise<number> {
  const { options, command } = request;
  const duration = options.duration === undefined ? undefined : parseDuration("--duration", options.duration);
  const scope = scopeOf(options, command);
  const config = await loadRunConfig(request);
  const log = createLog({ level: config.log_level, file: config.log });
  logNotices(log, config);

  const output = options.output ?? defaultOutput();
  const backend = backendFor(options);
  let observed: ObservedCommand | undefined;
  const stop = new StopRequest(() => observed?.abandon());
  try {
    if (command !== undefined) {
      observed = await ObservedCommand.start(command, output === "none" ? "inherit" : "stderr", log);
    }
    const agent = createAgent({
      backend,
      plugins: entriesOf(config),
      exporters: [...exportersFor(output), ...request.exporters],
      interval: config.interval,
      ...(config.hostname === undefined ? {} : { hostname: config.hostname }),
      service: config.service,
      tags: config.tags,
      scope: observed?.scope ?? scope,
      strategies: options.strategy ?? {},
      log,
      limits: { stopMs },
    });
    return await observe(agent, observed, stop, duration, log);
  } finally {
    observed?.abandon();
    await backend.close();
    stop.close();
  }
}

async function observe(
  agent: Agent,
  observed: ObservedCommand | undefined,
  stop: StopRequest,
  duration: number | undefined,
  log: Logger,
): Promise<number> {
  // Until it is known whether anything runs, failures wait: when nothing does, one line says it all.
  const failures: SkepError[] = [];
  agent.on("error", (error) => void failures.push(error));
  const starting = agent.start().catch((error: unknown) => Promise.reject(commonReason(error, agent.status())));
  const early = await Promise.race([starting, stop.requested]);
  if (early !== undefined) {
    await Promise.allSettled([agent.stop(), starting]);
    return ExitStatus.done;
  }
  agent.on("error", (error) => logError(log, error));
  try {
    for (const failure of failures) logError(log, failure);
    logReady(log, agent.status());
    // The time to observe: getting ready is not part of it.
    if (duration !== undefined) stop.after(duration);
    observed?.release();
    const ending = await Promise.race([stop.requested, ...(observed === undefined ? [] : [observed.ended])]);
    if (typeof ending !== "number") return await endEarly(observed, ending);
    await observed?.settle();
    return ending;
  } finally {
    await agent.stop();
    logSummary(log, agent.status());
  }
}

/** When nothing runs and every plugin says why in the same words of the host (no root, no libbpf, no BTF), that is what to tell. */
function commonReason(error: unknown, { plugins }: AgentStatus): unknown {
  const [first, ...others] = plugins.map((plugin) => plugin.error);
  const nothingRuns = error instanceof SkepError && error.code === "SKEP_ERR_NOTHING_RUNS";
  return nothingRuns && first && others.every((other) => other?.code === first.code) ? first : error;
}

/** Ends a COMMAND that still runs. Its status counts when a signal ended both; a duration that is over is success. */
async function endEarly(observed: ObservedCommand | undefined, reason: StopReason): Promise<number> {
  if (observed === undefined) return ExitStatus.done;
  // A terminal sends Ctrl-C to the whole foreground process group: the command has it already.
  const heard = reason.kind === "signal" && reason.signal === "SIGINT" && process.stdin.isTTY;
  await observed.terminate(heard ? undefined : reason.kind === "signal" ? reason.signal : "SIGTERM");
  return reason.kind === "signal" ? observed.ended : ExitStatus.done;
}

function entriesOf(config: Config): (Plugin | PluginEntry)[] {
  const named = config.resolved.map((plugin) => ({ plugin, config: config.plugins.get(plugin.name) }));
  return [...named, ...supportFor(config.resolved)];
}

/** @throws SkepError `SKEP_ERR_CONFIG` for a backend that needs more than its name */
function backendFor({ backend }: RunOptions): Backend {
  if (backend !== "replay") return libbpfBackend();
  throw new SkepError("SKEP_ERR_CONFIG", "--backend replay needs a recording, which skep run cannot take yet", {
    hint: "leave it out to observe this kernel; @skep/backend-replay plays recordings to programs that embed an agent",
  });
}

/** The scope of the options. @throws SkepError `SKEP_ERR_CONFIG` when there is a COMMAND, which is a scope of its own */
function scopeOf({ scopeCgroup: cgroups, scopePid: pids, scopeNetns: netns }: RunOptions, command: unknown): Scope {
  const scope: Scope = { ...(cgroups && { cgroups }), ...(pids && { pids }), ...(netns && { netns }) };
  if (command === undefined || isWholeHost(scope)) return scope;
  throw new SkepError("SKEP_ERR_CONFIG", "--scope-* and a COMMAND exclude each other", {
    hint: "a COMMAND is a scope of its own: leave one of them out",
  });
}
