// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { Backoff } from "../internal/backoff.js";
import { settlesWithin } from "../internal/deadline.js";
import { attribute, isPermanent } from "../internal/failure.js";
import { Serial } from "../internal/serial.js";
import { Stopwatch } from "../internal/stopwatch.js";
import type { Logger } from "../logger.js";
import type { Plugin } from "../plugin.js";
import type { Timer } from "../scheduler/clock.js";
import { serviceName } from "../service.js";
import { Ledger } from "./ledger.js";
import type { PluginMetrics } from "./metrics.js";
import type { PluginEntry, RestartOptions } from "./options.js";
import { PluginRun } from "./plugin-run.js";
import type { PluginState, PluginStatus, StateChange } from "./status.js";
import type { Surroundings } from "./surroundings.js";

/** What the agent hears of one plugin. */
export interface HostEvents {
  state(change: StateChange): void;
  loss(reason: string, count: number): void;
  error(error: SkepError): void;
  /** The plugin's services came or went. */
  services(available: boolean): void;
}

/** Keeps one plugin going: starts it, quarantines it when it fails, starts it again later, and keeps its account. */
export class PluginHost {
  readonly #ledger = new Ledger();
  readonly #flushes = new Stopwatch();
  readonly #backoff: Backoff;
  /** Starting, failing and stopping, one at a time. */
  readonly #changes = new Serial();
  #state: PluginState = "declared";
  #support: PluginStatus["support"] = "unavailable";
  #run: PluginRun | undefined;
  /** The newest run that got as far as loading: what it was and saw stays in the status after it ended. */
  #seen: PluginRun | undefined;
  #error: SkepError | undefined;
  #failures = 0;
  #restarts = 0;
  #restart: { readonly timer: Timer; readonly at: number } | undefined;
  #runningSince = 0;
  #stopping = false;
  /** Why it was stopped before the agent. */
  #retired: string | undefined;
  /** Longest wait for the plugin's own closing. */
  #closeMs: number;

  constructor(
    readonly entry: PluginEntry,
    private readonly surroundings: Surroundings,
    private readonly restart: RestartOptions,
    private readonly log: Logger,
    private readonly events: HostEvents,
  ) {
    this.#backoff = new Backoff(restart);
    this.#closeMs = surroundings.limits.closeMs;
  }

  get plugin(): Plugin {
    return this.entry.plugin;
  }

  get state(): PluginState {
    return this.#state;
  }

  get runs(): boolean {
    return this.#state === "running" || this.#state === "degraded";
  }

  /** Why it does not run, with the mend; undefined when nothing went wrong. */
  get error(): SkepError | undefined {
    return this.#error;
  }

  /** Never rejects: a plugin that cannot start is `failed` afterwards, and tried again later where that can help. */
  launch(): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#stopping || this.runs) return;
      const run: PluginRun = new PluginRun(this.entry, this.surroundings, this.#ledger, this.log, {
        reached: (state) => {
          if (state === "loaded") this.#seen = run;
          this.#to(state);
        },
        caught: (error) => this.#caught(error),
        failed: (error) => void this.#changes.run(() => this.#quarantine(run, error)),
        degraded: () => this.#run === run && this.runs && this.#assess(run),
      });
      this.#run = run;
      try {
        await run.start();
      } catch (error) {
        return this.#quarantine(run, attribute(error, this.plugin.name, "start"));
      }
      this.#runningSince = this.surroundings.clock.now();
      this.#error = undefined;
      this.#assess(run);
      if (this.plugin.provides?.length) this.events.services(true);
    });
  }

  async flush(ms: number, isLast = false): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    run.readKernelStats();
    await this.#flushes.measure(() => run.flush(ms, isLast));
  }

  /** Tells what was lost since the last call. */
  tellLosses(): void {
    for (const [reason, count] of this.#ledger.takeLosses()) this.events.loss(reason, count);
  }

  /** A service it uses went: without a mandatory one it cannot go on, without an optional one it sees less. */
  serviceGone(name: string, provider: string): void {
    if (!this.runs) return;
    if (this.plugin.uses?.some((id) => serviceName(id) === name)) {
      const message = `plugin ${this.plugin.name} lost the service ${name}: plugin ${provider}, which provides it, failed`;
      this.#run?.fail(
        new SkepError("SKEP_ERR_SERVICE_MISSING", message, { plugin: this.plugin.name, phase: "running" }),
      );
    } else if (this.plugin.optionallyUses?.some((id) => serviceName(id) === name)) {
      this.#run?.degradations.add(withoutService(name, provider));
      this.#assess(this.#run);
    }
  }

  serviceBack(name: string, provider: string): void {
    if (this.#run?.degradations.delete(withoutService(name, provider)) && this.runs) this.#assess(this.#run);
    if (this.#error?.code === "SKEP_ERR_SERVICE_MISSING" && this.#restart !== undefined) this.#restartNow();
  }

  /** Ends a start that is under way; nothing starts after this, and closing takes no more than half of `ms`. */
  prepareToStop(ms: number): void {
    this.#stopping = true;
    this.#closeMs = Math.min(this.#closeMs, ms / 2);
    this.#restart?.timer.cancel();
    this.#restart = undefined;
    if (this.#run !== undefined && !this.runs) {
      const message = `the agent was stopped while plugin ${this.plugin.name} was starting`;
      this.#run.abort(new SkepError("SKEP_ERR_AGENT_STATE", message, { plugin: this.plugin.name, phase: "start" }));
    }
  }

  /** Closes the plugin and detaches, waiting no longer than `ms`. Never rejects. */
  async stop(ms: number): Promise<void> {
    this.prepareToStop(ms);
    const closed = this.#changes.run(async () => {
      await this.#run?.close("stop", this.#closeMs);
      this.#run = undefined;
      this.#to("stopped", this.#retired);
      this.tellLosses();
    });
    await settlesWithin(this.surroundings.clock, ms, closed);
  }

  /** Stops the plugin for good while the agent goes on: what it holds is emitted first. */
  async retire(reason: string): Promise<void> {
    await this.flush(this.surroundings.limits.flushMs, true);
    this.#retired = reason;
    const provided = this.runs && (this.plugin.provides?.length ?? 0) > 0;
    await this.stop(this.#closeMs * 2);
    if (provided) this.events.services(false);
  }

  status(): PluginStatus {
    const { name, version } = this.plugin;
    return {
      name,
      version,
      state: this.#state,
      support: this.#support,
      reasons: this.#reasons(),
      error: this.#error,
      strategies: this.#seen?.session?.strategies ?? {},
      counters: this.#ledger.counters(),
      failures: this.#failures,
      restarts: this.#restarts,
      restartInMs:
        this.#restart === undefined ? undefined : Math.max(0, this.#restart.at - this.surroundings.clock.now()),
    };
  }

  metrics(): PluginMetrics {
    return {
      name: this.plugin.name,
      counters: this.#ledger.counters(),
      failures: this.#failures,
      restarts: this.#restarts,
      flush: this.#flushes.timing,
      rings: this.#run?.rings ?? [],
      programs: this.#run?.programs ?? [],
    };
  }

  /** Only inside `#changes`. */
  async #quarantine(run: PluginRun, error: SkepError): Promise<void> {
    if (this.#run !== run) return;
    const ran = this.runs;
    await run.close("failure", this.#closeMs);
    this.#run = undefined;
    this.#error = error;
    this.#support = "unavailable";
    this.#to("failed", error.message);
    this.tellLosses();
    if (error.code !== "SKEP_ERR_AGENT_STATE") this.#caught(error);
    if (this.#stopping) return;
    const { clock } = this.surroundings;
    if (ran && clock.now() - this.#runningSince >= this.restart.healthyMs) this.#backoff.reset();
    if (!isPermanent(error) && !this.#lacksProvider(error)) {
      const ms = this.#backoff.next();
      this.#restart = { at: clock.now() + ms, timer: clock.after(ms, () => this.#restartNow()) };
    }
    if (ran && this.plugin.provides?.length) this.events.services(false);
  }

  #restartNow(): void {
    this.#restart?.timer.cancel();
    this.#restart = undefined;
    this.#restarts++;
    void this.launch();
  }

  #lacksProvider(error: SkepError): boolean {
    if (error.code !== "SKEP_ERR_SERVICE_MISSING") return false;
    const { services, providerOf } = this.surroundings;
    return (this.plugin.uses ?? []).some((id) => !services.has(id) && providerOf(serviceName(id)) === undefined);
  }

  #caught(error: SkepError): void {
    this.#failures++;
    this.events.error(error);
  }

  /** Running or degraded, full or reduced: by what the run says now. */
  #assess(run: PluginRun | undefined): void {
    if (run === undefined) return;
    const degraded = run.degradations.size > 0;
    const limited = Object.values(run.session?.strategies ?? {}).some(({ limits }) => limits !== undefined);
    this.#support = degraded || limited ? "reduced" : "full";
    this.#to(degraded ? "degraded" : "running", degraded ? [...run.degradations].join("; ") : undefined);
  }

  #reasons(): string[] {
    if (this.#retired !== undefined) return [this.#retired];
    if (this.#error !== undefined) return [this.#error.message];
    const strategies = Object.entries(this.#seen?.session?.strategies ?? {});
    const limits = strategies.flatMap(([group, { limits }]) => (limits === undefined ? [] : [`${group}: ${limits}`]));
    return [...(this.#seen?.degradations ?? []), ...limits];
  }

  #to(to: PluginState, reason?: string): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.events.state({ plugin: this.plugin.name, from, to, ...(reason !== undefined && { reason }) });
  }
}

const withoutService = (name: string, provider: string) => `without the service ${name}: plugin ${provider} failed`;
