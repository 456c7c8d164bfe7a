// SPDX-License-Identifier: MIT

import type { ExporterStatus } from "../agent/status.js";
import { ExportError, type Exporter } from "../exporter.js";
import { sleepUntilAborted, untilAborted } from "../internal/abortable.js";
import { Backoff } from "../internal/backoff.js";
import { messageOf } from "../internal/failure.js";
import type { Point } from "../measurement.js";
import type { Clock } from "../scheduler/clock.js";
import { BoundedQueue } from "./bounded-queue.js";
import { retryOf, wantedBy } from "./exporter-says.js";
import type { Spool } from "./spool.js";

export interface ExportQueueOptions {
  readonly clock: Clock;
  /** Points that may wait in memory. */
  readonly capacity: number;
  /** Most points per export. */
  readonly batch: number;
  /** Deadline of one attempt, milliseconds. */
  readonly attemptMs: number;
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly random?: () => number };
  onLoss(reason: string, count: number): void;
  /** The far side cannot take points, with the reason of the first attempt, or takes them again. */
  onAway?(error: unknown): void;
  onBack?(): void;
  /** A batch was given up, or `flush` or `close` of the exporter failed. */
  onError(error: unknown): void;
}

/** A batch on its way. */
interface Job {
  readonly points: readonly Point[];
  /** It lies in the spool, first of all. */
  spooled: boolean;
}

/** However long a server wants to be left alone, it is asked again after this, milliseconds. */
const longestPauseMs = 3_600_000;
/** Share of the time to close that is kept for writing to disk what could not be delivered. */
const spoolShare = 0.25;

/**
 * Delivers points to one exporter: one export at a time, in order, retried for as long as the exporter says that can help.
 * Meanwhile new points wait, and the oldest of them give way when there are too many: what is newest is worth most.
 *
 * Points wait in memory. With a spool, what waits while the far side is away goes to disk, behind what is there already: everything
 * in the spool is older than everything in memory, so order holds, over restarts too.
 */
export class ExportQueue {
  readonly #memory: BoundedQueue<Point>;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  readonly #dropped = new Map<string, number>();
  #spool: Spool | undefined;
  #job: Job | undefined;
  /** The last attempt failed and may be repeated. */
  #isAway = false;
  #isClosing = false;
  #exported = 0;
  #lagMs = 0;
  #failures = 0;
  #lastError: string | undefined;
  #pumping: Promise<void> | undefined;
  #spilling: Promise<void> | undefined;

  constructor(
    readonly exporter: Exporter,
    private readonly options: ExportQueueOptions,
  ) {
    this.#memory = new BoundedQueue(options.capacity);
    this.#backoff = new Backoff(options.retry);
  }

  /** From now on points wait on disk too; what an earlier run left there goes out first. To be called before the first push. */
  useSpool(spool: Spool): void {
    this.#spool = spool;
    if (!spool.isEmpty) this.#pumping ??= this.#pump();
  }

  /** Takes the points the exporter accepts. Never waits, never throws. */
  push(points: readonly Point[]): void {
    const wanted = wantedBy(this.exporter, points);
    if (wanted.length === 0) return;
    if (this.#abort.signal.aborted) return this.#lose("export_deadline", wanted.length);
    this.#lose("queue_full", this.#memory.push(wanted));
    this.#pumping ??= this.#pump();
    if (this.#isAway || this.#memory.size > this.options.capacity / 2) this.#spill();
  }

  /**
   * Exports what waits, then flushes and closes the exporter, all within `deadlineMs`; what is left by then is kept in the spool, or
   * without one dropped. With a spool there is no waiting for a far side that is away.
   */
  async close(deadlineMs: number): Promise<void> {
    const [late, closed] = ["the deadline has passed", "the exporter is closed"].map((why) => new Error(why));
    this.#isClosing = true;
    if (this.#spool !== undefined && this.#isAway) this.#abort.abort(late);
    const share = this.#spool === undefined ? 1 : 1 - spoolShare;
    const deadline = this.options.clock.after(deadlineMs * share, () => this.#abort.abort(late));
    try {
      await this.#pumping;
      await this.#finally("flush", () => this.exporter.flush?.({ signal: this.#abort.signal }));
      await this.#finally("close", () => this.exporter.close?.());
    } finally {
      deadline.cancel();
      this.#abort.abort(closed);
    }
  }

  status(): ExporterStatus {
    const inFlight = this.#job === undefined || this.#job.spooled ? 0 : this.#job.points.length;
    return {
      name: this.exporter.name,
      queued: this.#memory.size + inFlight,
      spooled: this.#spool?.points ?? 0,
      exported: this.#exported,
      lagMs: this.#job === undefined ? this.#lagMs : this.#ageOf(this.#job),
      dropped: Object.fromEntries(this.#dropped),
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  /** Milliseconds since the first point's own time: batches are in order. */
  #ageOf({ points: [first] }: Job): number {
    return first === undefined ? 0 : Math.max(0, Number(this.options.clock.unixNs() - first.time) / 1e6);
  }

  async #pump(): Promise<void> {
    await Promise.resolve(); // points pushed in the same turn travel together
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#job ??= await this.#nextJob();
      if (this.#job === undefined) break;
      await this.#deliver(this.#job);
    }
    if (signal.aborted) await this.#keepTheRest();
    this.#pumping = undefined;
    // Pushed while the loop was on its way out.
    if (this.#memory.size > 0 && !signal.aborted) this.#pumping = this.#pump();
  }

  /** The oldest batch. Nothing may be awaited between the look at the spool and the one at the memory. */
  async #nextJob(): Promise<Job | undefined> {
    for (;;) {
      await this.#spilling;
      if (this.#spool === undefined || (this.#spool.isEmpty && this.#spilling === undefined)) break;
      const first = await this.#firstOf(this.#spool);
      if (first !== undefined) return { points: first, spooled: true };
      if (this.#abort.signal.aborted) return undefined;
    }
    if (this.#memory.size === 0) return undefined;
    return { points: this.#memory.take(this.exporter.batchPoints ?? this.options.batch), spooled: false };
  }

  async #firstOf(spool: Spool): Promise<readonly Point[] | undefined> {
    try {
      const { points, damaged } = await spool.first();
      this.#lose("spool_damaged", damaged);
      return points;
    } catch (error) {
      this.#lastError = `spool: ${messageOf(error)}`;
      this.options.onError(error);
      await this.#sleep(this.#backoff.next());
      return undefined;
    }
  }

  /** One attempt, and what follows from it. Afterwards the job is done, or has waited for its next attempt. */
  async #deliver(job: Job): Promise<void> {
    try {
      await this.#attempt(job.points);
      if (this.#isAway) this.options.onBack?.();
      this.#isAway = false;
      this.#exported += job.points.length;
      this.#lagMs = this.#ageOf(job);
      this.#backoff.reset();
    } catch (error) {
      this.#failures++;
      this.#lastError = messageOf(error);
      if (this.#abort.signal.aborted) return; // the rest is kept or counted together
      const retry = retryOf(error);
      if (retry !== undefined) {
        if (!this.#isAway) this.options.onAway?.(error);
        this.#isAway = true;
        await this.#shelter(job);
        if (this.#isClosing && this.#spool !== undefined) return this.#abort.abort(error);
        return this.#sleep(Math.max(this.#backoff.next(), Math.min(retry.afterMs, longestPauseMs)));
      }
      this.#lose("export_rejected", job.points.length);
      this.options.onError(error);
    }
    this.#job = undefined;
    if (job.spooled) await this.#onDisk(() => this.#spool!.removeFirst());
  }

  /** Puts a batch that could not be delivered into the spool, and whatever waits behind it. */
  async #shelter(job: Job): Promise<void> {
    if (this.#spool === undefined) return;
    if (!job.spooled) {
      const kept = await this.#onDisk(async () => this.#lose("spool_full", await this.#spool!.prepend(job.points)));
      // From the spool it comes back as the first of all.
      if (kept) this.#job = undefined;
    }
    this.#spill();
  }

  /** Moves what waits in memory to disk, as far as there is a spool. One at a time. */
  #spill(): void {
    if (this.#spool === undefined || this.#spilling !== undefined || this.#memory.size === 0) return;
    const move = async () => {
      for (let size = this.#memory.size; size > 0; size = this.#memory.size) {
        const batch = this.#memory.take(this.exporter.batchPoints ?? this.options.batch);
        const kept = await this.#onDisk(async () => this.#lose("spool_full", await this.#spool!.append(batch)));
        if (!kept) this.#lose("spool_failed", batch.length);
      }
      this.#spilling = undefined;
    };
    this.#spilling = move();
  }

  /** False when it failed. */
  async #onDisk(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#lastError = `spool: ${messageOf(error)}`;
      this.options.onError(error);
      return false;
    }
  }

  /** There is no more time: disk, or loss. */
  async #keepTheRest(): Promise<void> {
    const job = this.#job;
    this.#job = undefined;
    if (this.#spool === undefined) {
      return this.#lose("export_deadline", (job?.points.length ?? 0) + this.#memory.clear());
    }
    if (job !== undefined) {
      this.#job = job;
      await this.#shelter(job);
      if (this.#job !== undefined && !job.spooled) this.#lose("spool_failed", job.points.length);
      this.#job = undefined;
    }
    for (this.#spill(); this.#spilling !== undefined; this.#spill()) await this.#spilling;
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
    const isLate = this.#abort.signal.aborted;
    try {
      // Called even when the deadline has passed: the exporter's sockets and files want closing.
      const done = Promise.resolve(step());
      await untilAborted(this.#abort.signal, () => done);
    } catch (error) {
      if (isLate && error === this.#abort.signal.reason) return; // nobody waited
      this.#failures++;
      this.#lastError = `${what}: ${messageOf(error)}`;
      this.options.onError(error);
    }
  }

  #sleep(ms: number): Promise<void> {
    return sleepUntilAborted(this.options.clock, ms, this.#abort.signal);
  }

  #lose(reason: string, count: number): void {
    if (count === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    this.options.onLoss(reason, count);
  }
}
