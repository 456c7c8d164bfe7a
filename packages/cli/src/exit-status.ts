// SPDX-License-Identifier: MIT

import { constants } from "node:os";
import { SkepError, type ErrorCode } from "@skep/core";

/** What the status of the process says; with a COMMAND that ran, its own status is used instead. */
export const ExitStatus = { done: 0, failed: 1, usage: 2, nothingRuns: 3 } as const;

/** Codes that mean: what was asked for is wrong, whatever the host. */
const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "SKEP_ERR_CONFIG",
  "SKEP_ERR_CONFIG_SYNTAX",
  "SKEP_ERR_CONFIG_UNKNOWN_KEY",
  "SKEP_ERR_PLUGIN_UNKNOWN",
  "SKEP_ERR_PLUGIN_API",
  "SKEP_ERR_PLUGIN_SHAPE",
  "SKEP_ERR_PLUGIN_DUPLICATE",
  "SKEP_ERR_SERVICE_CYCLE",
  "SKEP_ERR_SCOPE",
  "SKEP_ERR_RECORDING",
]);

/** Codes that mean: nothing wrong with the question, but this host cannot run any of it. */
const hostCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "SKEP_ERR_NOTHING_RUNS",
  "SKEP_ERR_BACKEND_UNAVAILABLE",
  "SKEP_ERR_PERMISSION",
  "SKEP_ERR_BTF_MISSING",
  "SKEP_ERR_CGROUP2_MISSING",
]);

export function exitStatusOf(error: unknown): number {
  if (!(error instanceof SkepError)) return ExitStatus.failed;
  if (usageCodes.has(error.code)) return ExitStatus.usage;
  return hostCodes.has(error.code) ? ExitStatus.nothingRuns : ExitStatus.failed;
}

/** The status a shell would report for a child that ended so. */
export const statusOfEnd = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
