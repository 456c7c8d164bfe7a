// SPDX-License-Identifier: MIT

import type { ProgramStats, RecordHandler, Ring, Session } from "../backend.js";
import type { SkepError } from "../errors.js";
import { withDeadline } from "../internal/deadline.js";
import { attribute } from "../internal/failure.js";
import { Serial } from "../internal/serial.js";
import type { Logger } from "../logger.js";
import type { PluginInstance } from "../plugin.js";
import { type DrainSource, sliceMs } from "../scheduler/drain-clock.js";
import { periodically } from "../scheduler/periodic.js";
import { checkPlugin } from "./check.js";
import { DecodeGuard } from "./decode-guard.js";
import { KernelStatsReader } from "./kernel-stats.js";
import type { Ledger } from "./ledger.js";
import { openSession, prepareSession } from "./load.js";
import type { RingMetrics } from "./metrics.js";
import type { PluginEntry } from "./options.js";
import { createPluginContext } from "./plugin-context.js";
import type { Surroundings } from "./surroundings.js";

/** A timer that fails so often in a row is not going to recover. */
const timerFailures = 3;
/** Longest look at what a failed plugin left unread, milliseconds. */
const leftoverMs = 20;

/** What a run tells whoever supervises it. */
export interface RunEvents {
  reached(state: "checked" | "loaded"): void;
  /** A throw was caught and the plugin goes on. */
  caught(error: SkepError): void;
  /** The plugin must not go on. Called at most once; whoever listens closes the run. */
  failed(error: SkepError): void;
  /** What it says in `degradations` has changed. */
  degraded(): void;
}

/**
 * One life of a plugin, from check to close: whatever it opens, attaches, provides or times belongs to the run and ends with it.
 * A restart is a new run.
 */
export class PluginRun {
  /** Why the plugin sees less than it should. */
  readonly degradations = new Set<string>();
  session: Session | undefined;
  readonly #turns = new Serial();
  readonly #abort = new AbortController();
  readonly #sources: DrainSource[] = [];
  /** Timers asked for before the plugin runs; they start with it. */
  readonly #timers: (() => void)[] = [];
  readonly #cleanups: (() => void)[] = [];
  #instance: PluginInstance = {};
  #stats: KernelStatsReader | undefined;
  #running = false;
  #failing = false;
  #closed: Promise<void> | undefined;

  constructor(
    private readonly entry: PluginEntry,
    private readonly surroundings: Surroundings,
    private readonly ledger: Ledger,
    private readonly log: Logger,
    private readonly events: RunEvents,
  ) {}

  /** Rejects with a SkepError that names plugin and phase; the caller then closes the run. */
  async start(): Promise<void> {
    const { plugin } = this.entry;
    const { limits, drain } = this.surroundings;
    const config = await this.#phase("check", limits.setupMs, () => checkPlugin(this.entry, this.surroundings));
    this.events.reached("checked");

    const session = await this.#phase(
      "load",
      limits.loadMs,
      () => openSession(plugin, config, this.log, this.surroundings),
      (late) => void late.close().catch(() => {}),
    );
    this.session = session;
    this.#stats = new KernelStatsReader(session, this.ledger);
    await this.#phase("load", limits.loadMs, () => {
      for (const reason of prepareSession(plugin, session, this.surroundings)) this.#degrade(reason);
    });
    this.events.reached("loaded");

    const context = createPluginContext({
      plugin,
      config,
      session,
      surroundings: this.surroundings,
      ledger: this.ledger,
      log: this.log,
      signal: this.#abort.signal,
      isClosed: () => this.#closed !== undefined,
      provided: (id, implementation) =>
        this.#cleanups.push(() => this.surroundings.services.withdraw(id, implementation)),
      read: (ring, handler, urgent) => this.#read(ring, handler, urgent),
      catchUp: (map) => this.#catchUp(map),
      every: (ms, fn) => this.#every(ms, fn),
      degrade: (reason) => this.#degrade(reason),
    });
    this.#instance = await this.#phase(
      "setup",
      limits.setupMs,
      () => plugin.setup(context),
      (late) => void Promise.resolve(late.close?.()).catch(() => {}),
    );
    await this.#phase("attach", limits.setupMs, () => session.attach());
    await this.#phase("start", limits.startMs, () => this.#instance.start?.());

    this.#running = true;
    for (const source of this.#sources) this.#cleanups.push(drain.add(source));
    for (const begin of this.#timers.splice(0)) begin();
  }

  /** How its rings are used. */
  get rings(): readonly RingMetrics[] {
    if (!this.#running) return [];
    return this.#sources.map(({ ring, usage = { peak: 0, records: 0 } }) => ({
      map: ring.map,
      size: ring.size,
      pending: ring.pending(),
      ...usage,
    }));
  }

  /** What its programs cost; nothing when the session cannot say, or not any more. */
  get programs(): readonly ProgramStats[] {
    try {
      return (this.#running && this.session?.programStats?.()) || [];
    } catch {
      return [];
    }
  }

  /** Books what the kernel had to drop. */
  readKernelStats(): void {
    try {
      this.#stats?.read();
    } catch (error) {
      this.events.caught(this.#attribute(error, "statistics"));
    }
  }

  /** Never rejects: a flush that throws or takes too long ends the run. */
  async flush(ms: number, isLast = false): Promise<void> {
    await this.#turns.run(async () => {
      if (!this.#running || this.#failing || this.#closed) return;
      const { clock } = this.surroundings;
      try {
        await this.#phase("flush", ms, () => this.#instance.flush?.(clock.unixNs(), isLast));
      } catch (error) {
        this.#fail(error as SkepError);
      }
    });
  }

  /** Ends whatever phase is under way. */
  abort(reason: SkepError): void {
    this.#abort.abort(reason);
  }

  /** Ends the run from outside, as if the plugin had failed. */
  fail(error: SkepError): void {
    this.#fail(error);
  }

  /**
   * Closes the plugin, withdraws its services and detaches. Idempotent, never rejects. After a failure, what the plugin held
   * and what lay unread in its rings is counted as dropped.
   */
  close(reason: "stop" | "failure", ms: number): Promise<void> {
    return (this.#closed ??= this.#close(reason, ms));
  }

  async #close(reason: "stop" | "failure", ms: number): Promise<void> {
    const { plugin } = this.entry;
    this.#running = false;
    this.#abort.abort(new Error(`plugin ${plugin.name} is closed`));
    for (const cleanup of this.#cleanups.splice(0).reverse()) cleanup();
    await this.#turns.run(async () => {
      if (reason === "failure") this.#countUnread();
      await this.#last("close", ms, () => this.#instance.close?.());
      this.readKernelStats();
      await this.#last("detach", ms, () => this.session?.close());
      if (reason === "failure") this.ledger.drop("plugin_failed", this.ledger.pending);
    });
  }

  /** A phase of starting or running: attributed to the plugin, bounded in time, ended early by `abort`. */
  async #phase<T>(phase: string, ms: number, work: () => T | Promise<T>, late?: (result: T) => void): Promise<T> {
    const { clock } = this.surroundings;
    const { signal } = this.#abort;
    try {
      return await withDeadline({ clock, ms, plugin: this.entry.plugin.name, phase, signal }, work, late);
    } catch (error) {
      throw this.#attribute(error, phase);
    }
  }

  /** A step of closing: it may fail, the next one is taken anyway. */
  async #last(phase: string, ms: number, work: () => void | Promise<void>): Promise<void> {
    const { clock } = this.surroundings;
    try {
      await withDeadline({ clock, ms, plugin: this.entry.plugin.name, phase }, work);
    } catch (error) {
      this.events.caught(this.#attribute(error, phase));
    }
  }

  #read(ring: Ring, handler: RecordHandler, urgent: boolean): void {
    const source: DrainSource = {
      ring,
      usage: { peak: 0, records: 0 },
      urgent,
      handle: this.#guarded(handler),
      failed: (error) => this.#fail(this.#attribute(error, "drain")),
    };
    this.#sources.push(source);
    if (this.#running) this.#cleanups.push(this.surroundings.drain.add(source));
  }

  // hot
  #catchUp(map: string): void {
    if (!this.#running || this.#failing) return;
    for (const source of this.#sources) {
      if (source.ring.map !== map || source.ring.pending() === 0) continue;
      try {
        const records = source.ring.drain(source.handle, performance.now() + sliceMs);
        if (source.usage !== undefined) source.usage.records += records;
      } catch (error) {
        source.failed(error);
      }
    }
  }

  /** hot: once per record. A throw loses the record, unless the handler had already accounted for it. */
  #guarded(handler: RecordHandler): RecordHandler {
    const { ledger } = this;
    const guard = new DecodeGuard(this.surroundings.clock);
    return (record) => {
      if (this.#failing) return ledger.lose("plugin_failed");
      ledger.observe();
      guard.record();
      const { accounted } = ledger;
      try {
        handler(record);
      } catch (thrown) {
        if (ledger.accounted === accounted) ledger.drop("undecodable");
        const { first, tooMany } = guard.failure();
        const error = this.#attribute(thrown, "decode");
        if (tooMany) this.#fail(error);
        else if (first) this.events.caught(error);
      }
    };
  }

  #every(ms: number, fn: () => void | Promise<void>): void {
    const { clock, limits } = this.surroundings;
    let failures = 0;
    const turn = () =>
      this.#turns.run(async () => {
        if (!this.#running || this.#failing) return;
        try {
          await this.#phase("every", limits.flushMs, fn);
          failures = 0;
        } catch (error) {
          if (this.#closed !== undefined) return;
          if (++failures >= timerFailures) this.#fail(error as SkepError);
          else this.events.caught(error as SkepError);
        }
      });
    const begin = () => void this.#cleanups.push(periodically(clock, ms, turn));
    if (this.#running) begin();
    else this.#timers.push(begin);
  }

  #degrade(reason: string): () => void {
    if (!this.degradations.has(reason)) {
      this.degradations.add(reason);
      this.events.degraded();
    }
    return () => {
      if (this.degradations.delete(reason)) this.events.degraded();
    };
  }

  #fail(error: SkepError): void {
    if (this.#failing || this.#closed !== undefined) return;
    this.#failing = true;
    this.events.failed(error);
  }

  #countUnread(): void {
    for (const { ring } of this.#sources) {
      try {
        ring.drain(() => this.ledger.lose("plugin_failed"), performance.now() + leftoverMs);
      } catch {
        // A ring that cannot be read may be why the plugin failed.
      }
    }
  }

  #attribute(error: unknown, phase: string): SkepError {
    return attribute(error, this.entry.plugin.name, phase);
  }
}
