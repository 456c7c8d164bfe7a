// SPDX-License-Identifier: MIT

import type { SkepError } from "../errors.js";
import type { Point } from "../measurement.js";
import type { PointStream } from "../points/point-stream.js";
import type { AgentMetrics } from "./metrics.js";
import type { Relief } from "./relief.js";
import type { AgentStatus, Loss, StateChange } from "./status.js";

/**
 * What an agent tells. A listener that throws harms nobody: it is counted in `status().listenerFailures` and reported once as
 * `error`; an `error` nobody listens to is logged, never thrown.
 */
export interface AgentEvents {
  /** A point is complete, global tags included. Called for each point, in the order they were emitted. */
  point: (point: Point) => void;
  state: (change: StateChange) => void;
  loss: (loss: Loss) => void;
  error: (error: SkepError) => void;
  /** A limit of `AgentOptions.resources` was exceeded, or there is room again, and this was done about it. After `exit` it stops. */
  relief: (relief: Relief, reason: string) => void;
}

/**
 * Runs plugins on a backend. Made by {@link createAgent}; an agent runs once: after `stop()` make another.
 */
export interface Agent extends AsyncDisposable {
  on<E extends keyof AgentEvents>(event: E, listener: AgentEvents[E]): this;
  once<E extends keyof AgentEvents>(event: E, listener: AgentEvents[E]): this;
  off<E extends keyof AgentEvents>(event: E, listener: AgentEvents[E]): this;
  /**
   * Loads and attaches all plugins. A plugin that fails is tried again later and does not disturb the others.
   * Calling it again returns the same promise.
   * @throws SkepError `SKEP_ERR_NOTHING_RUNS` when no plugin or not every `required` one runs: it names each one's reason, and
   * nothing stays attached. `SKEP_ERR_SCOPE` when the scope names something that does not exist.
   */
  start(): Promise<void>;
  /** Drains the rings and flushes every plugin now. Points have reached listeners, iterators and export queues when it resolves. */
  flush(): Promise<void>;
  /**
   * Drains, flushes, exports what is queued and detaches, all within `deadlineMs` (default `limits.stopMs`): what could not be
   * exported by then is dropped, counted. Never rejects; idempotent; may be called during or after a failed `start()`.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  status(): AgentStatus;
  /** What it costs and how it gets along, in numbers, now. */
  metrics(): AgentMetrics;
  /**
   * The points from now on, until the agent stops or `signal` aborts. Bounded: a consumer slower than the points loses the oldest
   * ones, counted in the stream's `dropped` and as `loss`.
   */
  points(options?: { readonly signal?: AbortSignal; readonly buffer?: number }): PointStream;
}
