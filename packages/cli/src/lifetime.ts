// SPDX-License-Identifier: MIT

import { SkepError, type Agent, type AgentStatus, type Logger } from "@skep/core";
import { ExitStatus } from "./exit-status.js";
import { logError } from "./log.js";
import type { ObservedCommand } from "./observed-command.js";
import { logReady, logSummary } from "./report.js";
import type { StopReason, StopRequest } from "./stop-request.js";

/** All of `stop()` after a signal, milliseconds: with the COMMAND's own termination before it, the process ends within 5 s. */
const hurriedStopMs = 3500;

/**
 * The life of an agent: starts it, lets the COMMAND go, waits for an end and stops it, flushed.
 * @param duration milliseconds from when everything is attached
 * @param attached called once everything is attached, and waited for
 * @param reload resolves when another configuration is to be run
 * @returns the exit status, or that configuration
 * @throws what keeps it from starting, in one error
 */
export async function live<Reloaded = never>(
  agent: Agent,
  observed: ObservedCommand | undefined,
  stop: StopRequest,
  duration: number | undefined,
  log: Logger,
  reload?: Promise<Reloaded>,
  attached?: () => Promise<void>,
): Promise<number | { readonly reloaded: Reloaded }> {
  // Until it is known whether anything runs, failures wait: when nothing does, one line says it all.
  const failures: SkepError[] = [];
  const hold = (error: SkepError) => void failures.push(error);
  agent.on("error", hold);
  const starting = agent.start().catch((error: unknown) => Promise.reject(commonReason(error, agent.status())));
  const early = await Promise.race([starting, stop.requested]);
  if (early !== undefined) {
    await Promise.allSettled([agent.stop({ deadlineMs: hurriedStopMs }), starting]);
    return ExitStatus.done;
  }
  agent.off("error", hold).on("error", (error) => logError(log, error));
  agent.on("relief", ({ action }) => {
    if (action === "exit") stop.now("limit");
  });
  let hurry = false;
  try {
    for (const failure of failures) logError(log, failure);
    await attached?.();
    logReady(log, agent.status());
    // The time to observe: getting ready is not part of it.
    if (duration !== undefined) stop.after(duration);
    observed?.release();
    const ending = await Promise.race([
      stop.requested,
      ...(observed === undefined ? [] : [observed.ended]),
      ...(reload === undefined ? [] : [reload.then((reloaded) => ({ reloaded }))]),
    ]);
    if (typeof ending === "number") {
      await observed?.settle();
      return ending;
    }
    if ("reloaded" in ending) return ending;
    hurry = ending.kind === "signal";
    return await endEarly(observed, ending);
  } finally {
    await agent.stop(hurry ? { deadlineMs: hurriedStopMs } : {});
    logSummary(log, agent.status(), agent.metrics());
  }
}

/** When nothing runs and every plugin says why in the same words of the host (no root, no libbpf, no BTF), that is what to tell. */
function commonReason(error: unknown, { plugins }: AgentStatus): unknown {
  const [first, ...others] = plugins.map((plugin) => plugin.error);
  const nothingRuns = error instanceof SkepError && error.code === "SKEP_ERR_NOTHING_RUNS";
  return nothingRuns && first && others.every((other) => other?.code === first.code) ? first : error;
}

/** Ends a COMMAND that still runs. Want of resources is a failure. Its status counts when a signal ended both; a duration that is over is success. */
async function endEarly(observed: ObservedCommand | undefined, reason: StopReason): Promise<number> {
  const status = reason.kind === "limit" ? ExitStatus.failed : ExitStatus.done;
  if (observed === undefined) return status;
  // A terminal sends Ctrl-C to the whole foreground process group: the command has it already.
  const heard = reason.kind === "signal" && reason.signal === "SIGINT" && process.stdin.isTTY;
  await observed.terminate(heard ? undefined : reason.kind === "signal" ? reason.signal : "SIGTERM");
  return reason.kind === "signal" ? observed.ended : status;
}
