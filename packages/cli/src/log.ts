// SPDX-License-Identifier: MIT

import { SkepError, type Config, type Logger } from "@skep/core";
import { destination, pino, stdTimeFunctions } from "pino";
import { PinoPretty } from "pino-pretty";

export interface LogOptions {
  readonly level: Config["log_level"];
  /** Path of a log file instead of stderr. */
  readonly file?: string | undefined;
}

/**
 * Log lines on stderr: for people on a terminal, else JSON, one object per line. Written at once, so that the last words of a
 * process that ends are not lost.
 */
export function createLog({ level, file }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (file !== undefined) return pino(options, destination({ dest: file, append: true, mkdir: true, sync: true }));
  if (!process.stderr.isTTY) return pino(options, destination({ dest: 2, sync: true }));
  // The message already says what these fields say to programs.
  const ignore = "event,plugins,exporters,keys";
  return pino(options, PinoPretty({ destination: 2, sync: true, ignore, translateTime: "SYS:HH:MM:ss" }));
}

/** One line for a failure: what, which code, and the mend. Only an unforeseen error shows a stack trace. */
export function logError(log: Logger, error: unknown): void {
  if (!(error instanceof SkepError)) {
    log.error({ event: "error", err: error }, error instanceof Error ? error.message : String(error));
    return;
  }
  const { code, plugin, phase, hint, message } = error;
  log.error({ event: "error", code, plugin, phase, hint }, message);
}
