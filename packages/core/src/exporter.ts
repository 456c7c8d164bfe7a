// SPDX-License-Identifier: MIT

import type { AgentMetrics } from "./agent/metrics.js";
import type { Point } from "./measurement.js";

/**
 * Takes points somewhere else. Queueing, batching, retry and deadlines are core's: an exporter only sends.
 */
export interface Exporter {
  readonly name: string;
  /** Points it wants: those of measurements with these names, or those for which it says true; all when absent. */
  readonly accepts?: readonly string[] | ((point: Point) => boolean);
  /** Most points per export; the agent's limit when absent. */
  readonly batchPoints?: number;
  /** False: its points never wait on disk, because nobody wants them in a later run, such as those of a terminal. */
  readonly spool?: boolean;
  /**
   * Resolves when the far side took the points. Rejects with an {@link ExportError}: `retryable` ones are tried again by core,
   * others (and any other throw) drop the batch, counted as `export_rejected`. Never called twice at once.
   */
  export(points: readonly Point[], options: { readonly signal: AbortSignal }): void | Promise<void>;
  /** For an exporter that tells about the agent too: called once, when the agent is made. `metrics` costs little; ask when asked. */
  observeAgent?(metrics: () => AgentMetrics): void;
  /** Everything exported so far is on its way; called before `close`. */
  flush?(options: { readonly signal: AbortSignal }): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Why an export failed and whether trying again can help. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  constructor(
    message: string,
    readonly options: { readonly retryable: boolean; readonly retryAfterMs?: number; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
  }
}
