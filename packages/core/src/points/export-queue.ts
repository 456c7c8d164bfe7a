// SPDX-License-Identifier: MIT

import type { ExporterStatus } from "../agent/status.js";
import { ExportError, type Exporter } from "../exporter.js";
import { Backoff } from "../internal/backoff.js";
import { messageOf } from "../internal/failure.js";
import type { Point } from "../measurement.js";
import type { Clock, Timer } from "../scheduler/clock.js";
import { BoundedQueue } from "./bounded-queue.js";

/** Where points wait for an exporter. In memory ({@link BoundedQueue}) today; a disk spool fits here. */
export interface PointStore {
  readonly size: number;
  /** Returns how many older points gave way. */
  push(points: readonly Point[]): number;
  take(count: number): Point[];
  clear(): number;
}

export interface ExportQueueOptions {
  readonly clock: Clock;
  /** Points that may wait. */
  readonly capacity: number;
  /** Most points per export. */
  readonly batch: number;
  /** Deadline of one attempt, milliseconds. */
  readonly attemptMs: number;
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly random?: () => number };
  onLoss(reason: string, count: number): void;
  /** A batch was given up, or `flush` or `close` of the exporter failed. */
  onError(error: unknown): void;
  readonly store?: PointStore;
}

/**
 * Delivers points to one exporter: one export at a time, in order, retried for as long as the exporter says that can help.
 * Meanwhile new points wait, and the oldest of them give way when there are too many: what is newest is worth most.
 */
export class ExportQueue {
  readonly #store: PointStore;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  readonly #dropped = new Map<string, number>();
  #inFlight = 0;
  #exported = 0;
  #failures = 0;
  #lastError: string | undefined;
  #pumping: Promise<void> | undefined;

  constructor(
    readonly exporter: Exporter,
    private readonly options: ExportQueueOptions,
  ) {
    this.#store = options.store ?? new BoundedQueue(options.capacity);
    this.#backoff = new Backoff(options.retry);
  }

  /** Takes the points the exporter accepts. Never waits, never throws. */
  push(points: readonly Point[]): void {
    const wanted = wantedBy(this.exporter, points);
    if (wanted.length === 0) return;
    if (this.#abort.signal.aborted) return this.#lose("export_deadline", wanted.length);
    this.#lose("queue_full", this.#store.push(wanted));
    this.#pumping ??= this.#pump();
  }

  /** Exports what waits, then flushes and closes the exporter, all within `deadlineMs`; what is left by then is dropped. */
  async close(deadlineMs: number): Promise<void> {
    const deadline = this.options.clock.after(deadlineMs, () =>
      this.#abort.abort(new Error("the deadline has passed")),
    );
    try {
      await this.#pumping;
      await this.#finally("flush", () => this.exporter.flush?.({ signal: this.#abort.signal }));
      await this.#finally("close", () => this.exporter.close?.());
    } finally {
      deadline.cancel();
      this.#abort.abort(new Error("the exporter is closed"));
    }
  }

  status(): ExporterStatus {
    return {
      name: this.exporter.name,
      queued: this.#store.size + this.#inFlight,
      exported: this.#exported,
      dropped: Object.fromEntries(this.#dropped),
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  async #pump(): Promise<void> {
    await Promise.resolve(); // points pushed in the same turn travel together
    const { signal } = this.#abort;
    while (this.#store.size > 0 && !signal.aborted) {
      const batch = this.#store.take(this.exporter.batchPoints ?? this.options.batch);
      this.#inFlight = batch.length;
      await this.#deliver(batch);
      this.#inFlight = 0;
    }
    if (signal.aborted) this.#lose("export_deadline", this.#store.clear());
    this.#pumping = undefined;
  }

  async #deliver(batch: readonly Point[]): Promise<void> {
    const { signal } = this.#abort;
    for (;;) {
      try {
        await this.#attempt(batch);
        this.#exported += batch.length;
        this.#backoff.reset();
        return;
      } catch (error) {
        this.#failures++;
        this.#lastError = messageOf(error);
        if (signal.aborted) return this.#lose("export_deadline", batch.length);
        const retry = retryOf(error);
        if (retry === undefined) {
          this.#lose("export_rejected", batch.length);
          this.options.onError(error);
          return;
        }
        await this.#sleep(Math.max(this.#backoff.next(), retry.afterMs));
        if (signal.aborted) return this.#lose("export_deadline", batch.length);
      }
    }
  }

  /** An attempt that outlasts its deadline is retried: its promise is not waited for any more. */
  async #attempt(batch: readonly Point[]): Promise<void> {
    const { clock, attemptMs } = this.options;
    const timeout = new AbortController();
    const timer = clock.after(attemptMs, () =>
      timeout.abort(new ExportError(`no answer within ${attemptMs} ms`, { retryable: true })),
    );
    const signal = AbortSignal.any([this.#abort.signal, timeout.signal]);
    try {
      await untilAborted(signal, async () => this.exporter.export(batch, { signal }));
    } finally {
      timer.cancel();
    }
  }

  /** Runs a last step of the exporter, waiting for it no longer than the deadline. */
  async #finally(what: string, step: () => void | Promise<void>): Promise<void> {
    try {
      // Called even when the deadline has passed: the exporter's sockets and files want closing.
      const done = Promise.resolve(step());
      await untilAborted(this.#abort.signal, () => done);
    } catch (error) {
      this.#failures++;
      this.#lastError = `${what}: ${messageOf(error)}`;
      this.options.onError(error);
    }
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer: Timer = this.options.clock.after(ms, done);
      if (signal.aborted) done();
      else signal.addEventListener("abort", done, { once: true });
    });
  }

  #lose(reason: string, count: number): void {
    if (count === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    this.options.onLoss(reason, count);
  }
}

function wantedBy({ accepts }: Exporter, points: readonly Point[]): readonly Point[] {
  if (accepts === undefined) return points;
  return points.filter(
    typeof accepts === "function" ? accepts : ({ measurement }: Point) => accepts.includes(measurement),
  );
}

/** The exporter's own say, recognised by shape: it may come from another copy of core. */
function retryOf(error: unknown): { readonly afterMs: number } | undefined {
  if (!(error instanceof Error) || error.name !== "ExportError") return undefined;
  const { options } = error as ExportError;
  return options.retryable ? { afterMs: options.retryAfterMs ?? 0 } : undefined;
}

function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}
