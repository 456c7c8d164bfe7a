// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { HostIdentity } from "../host-identity.js";
import { settlesWithin } from "../internal/deadline.js";
import { isSkepError, messageOf } from "../internal/failure.js";
import { GuardedEmitter } from "../internal/guarded-emitter.js";
import { Stopwatch } from "../internal/stopwatch.js";
import { silentLogger, type Logger } from "../logger.js";
import type { Point } from "../measurement.js";
import { ExportQueue } from "../points/export-queue.js";
import { PointHub } from "../points/point-hub.js";
import { Sampler } from "../points/sampler.js";
import { SpoolDirectory, type SpoolOptions } from "../points/spool-directory.js";
import { BufferedPointStream, type PointStream } from "../points/point-stream.js";
import { systemClock, type Clock } from "../scheduler/clock.js";
import { DrainClock } from "../scheduler/drain-clock.js";
import { FlushClock } from "../scheduler/flush-clock.js";
import { serviceName } from "../service.js";
import { createDomainNames, DomainNames } from "../services/domain-names.js";
import { identifyHost } from "../services/host-identity.js";
import { MappedFiles } from "../services/mapped-files.js";
import { createMappedFiles } from "../services/mapped-files-observer.js";
import { createProcessTable, ProcessTable } from "../services/process-table.js";
import { ServiceRegistry } from "../services/service-registry.js";
import type { Agent, AgentEvents } from "./agent.js";
import { defaultIntervalMs, defaultLimits, defaultRestart, defaultService } from "./defaults.js";
import { assertStrategies, entriesInOrder } from "./entries.js";
import type { AgentMetrics } from "./metrics.js";
import type { AgentLimits, AgentOptions, PluginEntry } from "./options.js";
import { PluginHost } from "./plugin-host.js";
import type { Relief, ResourceLimits } from "./relief.js";
import { guardResources } from "./resource-guard.js";
import { provides } from "./service-order.js";
import { resolveScope, type ResolvedScope } from "./scope-maps.js";
import type { AgentState, AgentStatus, Loss } from "./status.js";
import type { Surroundings } from "./surroundings.js";

/** Longest drain before a flush, milliseconds: what was observed in an interval belongs to it, unless more comes than can be read. */
const drainMs = 5_000;

/** The agent: wires plugins, clocks, points and exporters together. What happens inside one plugin is its host's. */
export class AgentRuntime implements Agent {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: AgentLimits;
  readonly #events = new GuardedEmitter<AgentEvents>((event, listener, thrown) =>
    this.#listenerThrew(event, listener, thrown),
  );
  readonly #throwers = new WeakSet<object>();
  readonly #surroundings: Surroundings;
  readonly #hosts: readonly PluginHost[];
  readonly #hub: PointHub;
  readonly #queues: readonly ExportQueue[];
  readonly #streams = new Set<BufferedPointStream>();
  readonly #mappedFiles: ReturnType<typeof createMappedFiles>;
  readonly #drain: DrainClock;
  readonly #flushes: FlushClock;
  readonly #sampler: Sampler;
  #unguard: (() => void) | undefined;
  readonly #flushTimes = new Stopwatch();
  #programStats: { close(): void } | undefined;
  #spool: SpoolDirectory | undefined;
  #state: AgentState = "idle";
  #scope: ResolvedScope = { cgroups: [], pids: [], netns: [] };
  #listenerFailures = 0;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(private readonly options: AgentOptions) {
    const entries = entriesInOrder(options.plugins);
    assertStrategies(options.strategies ?? {}, entries);
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
    this.#limits = { ...defaultLimits, ...options.limits };
    const host = identifyHost(options.hostname || options.tags?.["host"], options.env ?? process.env);

    const intervalMs = options.interval ?? defaultIntervalMs;
    const services = new ServiceRegistry();
    services.provideDefault(HostIdentity, host);
    // Who exited early in an interval must still have a name at its flush, and at a late one. So must the peers' addresses.
    const graceMs = 2 * intervalMs + 60_000;
    const { procRoot } = host;
    const processes = createProcessTable({ procRoot, clock: this.#clock, graceMs });
    services.provideDefault(ProcessTable, processes);
    services.provideDefault(DomainNames, createDomainNames({ clock: this.#clock, graceMs }));
    const scope = options.scope ?? {};
    const observed = { procRoot, clock: this.#clock, scope, processes, log: this.#log };
    this.#mappedFiles = createMappedFiles(observed);
    services.provideDefault(MappedFiles, this.#mappedFiles);

    const globalTags = { service: options.service ?? defaultService, ...options.tags, host: host.hostname };
    this.#hub = new PointHub(globalTags, (points) => this.#deliver(points));
    this.#drain = new DrainClock(this.#clock);
    this.#flushes = new FlushClock(this.#clock, intervalMs, () => this.#flushAll(this.#limits.flushMs));
    this.#sampler = new Sampler(options.sampling ?? {}, () => this.#clock.now());
    this.#surroundings = {
      backend: options.backend,
      clock: this.#clock,
      host,
      scope,
      resolvedScope: () => this.#scope,
      strategies: options.strategies ?? {},
      allowMutation: options.allowMutation ?? false,
      limits: this.#limits,
      services,
      providerOf: (service) => {
        const provider = this.#hosts.find(({ plugin }) => provides(plugin, service));
        return provider && { name: provider.plugin.name, state: provider.state };
      },
      drain: this.#drain,
      sampler: this.#sampler,
      emit: (point) => this.#hub.emit(point),
    };
    this.#hosts = entries.map((entry) => this.#hostOf(entry));
    this.#queues = (options.exporters ?? []).map((exporter) => this.#queueOf(exporter));
    for (const exporter of options.exporters ?? []) exporter.observeAgent?.(() => this.metrics());
  }

  on<E extends keyof AgentEvents>(event: E, listener: AgentEvents[E]): this {
    this.#events.on(event, listener);
    return this;
  }

  once<E extends keyof AgentEvents>(event: E, listener: AgentEvents[E]): this {
    this.#events.once(event, listener);
    return this;
  }

  off<E extends keyof AgentEvents>(event: E, listener: AgentEvents[E]): this {
    this.#events.off(event, listener);
    return this;
  }

  start(): Promise<void> {
    if (this.#stopping !== undefined && this.#starting === undefined) {
      return Promise.reject(
        new SkepError("SKEP_ERR_AGENT_STATE", "the agent was stopped and cannot start", {
          hint: "an agent runs once: make another with createAgent()",
        }),
      );
    }
    return (this.#starting ??= this.#start());
  }

  async flush(): Promise<void> {
    if (this.#state !== "running") {
      throw new SkepError("SKEP_ERR_AGENT_STATE", `the agent is ${this.#state} and has nothing to flush`);
    }
    await this.#flushes.now();
  }

  stop({ deadlineMs = this.#limits.stopMs }: { readonly deadlineMs?: number } = {}): Promise<void> {
    return (this.#stopping ??= this.#stop(deadlineMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  status(): AgentStatus {
    return {
      state: this.#state,
      hostname: this.#surroundings.host.hostname,
      backend: this.options.backend.name,
      plugins: this.#hosts.map((host) => host.status()),
      exporters: this.#queues.map((queue) => queue.status()),
      listenerFailures: this.#listenerFailures,
    };
  }

  metrics(): AgentMetrics {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      plugins: this.#hosts.map((host) => host.metrics()),
      drain: this.#drain.timing,
      flush: this.#flushTimes.timing,
      exporters: this.#queues.map((queue) => queue.status()),
      process: { rss, heapUsed, cpuSeconds: (user + system) / 1e6 },
    };
  }

  points(options: { readonly signal?: AbortSignal; readonly buffer?: number } = {}): PointStream {
    const stream = new BufferedPointStream({
      buffer: options.buffer ?? this.#limits.iteratorPoints,
      ...(options.signal !== undefined && { signal: options.signal }),
      onEnd: (ended) => this.#streams.delete(ended),
    });
    if (this.#state === "stopped") stream.end();
    else if (!options.signal?.aborted) this.#streams.add(stream);
    return stream;
  }

  async #start(): Promise<void> {
    this.#state = "starting";
    try {
      this.#scope = resolveScope(this.#surroundings.scope, this.#surroundings.host.procRoot);
      if (this.options.spool !== undefined) await this.#openSpool(this.options.spool);
      this.#drain.start();
      if (this.options.programStats) this.#countPrograms();
      for (const host of this.#hosts) {
        if (this.#stopping !== undefined) break;
        await host.launch();
      }
      if (this.#stopping !== undefined) {
        throw new SkepError("SKEP_ERR_AGENT_STATE", "the agent was stopped while it was starting");
      }
      this.#assertRunning();
    } catch (error) {
      // Whoever called stop() closes everything; else nobody would.
      if (this.#stopping === undefined) await (this.#stopping = this.#tearDown(this.#limits.stopMs));
      throw error;
    }
    this.#flushes.start();
    this.#state = "running";
    if (this.options.resources !== undefined) this.#guard(this.options.resources);
  }

  /** @throws SkepError `SKEP_ERR_SPOOL` */
  async #openSpool(options: SpoolOptions): Promise<void> {
    this.#spool = await SpoolDirectory.open(options);
    for (const queue of this.#queues) {
      if (queue.exporter.spool !== false) queue.useSpool(await this.#spool.spoolOf(queue.exporter.name));
    }
  }

  /** Statistics are nice to have: without them the agent runs as well. */
  #countPrograms(): void {
    try {
      this.#programStats = this.options.backend.enableStats?.();
    } catch (error) {
      this.#failed(
        isSkepError(error) ? error : new SkepError("SKEP_ERR_PERMISSION", messageOf(error), { cause: error }),
      );
    }
  }

  /** @throws SkepError `SKEP_ERR_NOTHING_RUNS` */
  #assertRunning(): void {
    const failed = this.#hosts.filter((host) => !host.runs);
    const required = failed.filter((host) => host.entry.required);
    if (required.length === 0 && failed.length < this.#hosts.length) return;
    const [what, told] =
      required.length > 0 ? ["a required plugin could not run", required] : ["no enabled plugin could run", failed];
    const reasons = told.map(({ plugin, error }) => {
      const hint = error?.hint === undefined ? "" : ` (${error.hint})`;
      return `${plugin.name}: ${error?.message ?? "it did not start"}${hint}`;
    });
    throw new SkepError("SKEP_ERR_NOTHING_RUNS", [what, ...reasons].join("\n  "), {
      ...(told.length === 0 && { hint: "enable a plugin" }),
      ...(told.length === 1 && { cause: told[0]?.error }),
    });
  }

  #guard(limits: ResourceLimits): void {
    this.#unguard = guardResources({
      clock: this.#clock,
      limits,
      use: () => this.metrics().process,
      running: () => this.#hosts.filter((host) => host.runs).length,
      act: (relief, reason) => this.#relieve(relief, reason),
    });
  }

  async #relieve(relief: Relief, reason: string): Promise<void> {
    if (this.#state !== "running") return;
    const busiest = relief.action === "stop" ? this.#busiest() : undefined;
    const done: Relief = busiest === undefined ? relief : { action: "stop", plugin: busiest.plugin.name };
    this.#log.warn({ event: "relief", ...done, reason }, `${wordsOf(done)}: ${reason}`);
    if (relief.action === "reduce" || relief.action === "restore") {
      this.#sampler.relief = relief.share;
      this.#drain.pace = 1 / relief.share;
    }
    await busiest?.retire(`stopped to use less: ${reason}`);
    this.#events.emit("relief", done, reason);
    if (relief.action === "exit") void this.stop();
  }

  /** Who has most to do is worth most to stop. */
  #busiest(): PluginHost | undefined {
    const running = this.#hosts.filter((host) => host.runs);
    const observed = (host: PluginHost) => host.metrics().counters.observed;
    return running.sort((a, b) => observed(b) - observed(a))[0];
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#unguard?.();
    const deadline = this.#clock.now() + deadlineMs;
    const left = () => Math.max(0, deadline - this.#clock.now());
    const wasRunning = this.#state === "running";
    this.#state = "stopping";
    for (const host of this.#hosts) host.prepareToStop(deadlineMs / 4);
    await settlesWithin(this.#clock, left() / 2, this.#starting ?? Promise.resolve());
    if (wasRunning) {
      // Observations matter more than the far side's patience: half the time is theirs.
      await settlesWithin(this.#clock, left() / 4, this.#flushes.stop());
      await settlesWithin(this.#clock, left() / 2, this.#flushLast(left() / 4));
    }
    await this.#tearDown(left());
  }

  /** Exports what is there, then detaches, in the reverse order of starting. */
  async #tearDown(ms: number): Promise<void> {
    const deadline = this.#clock.now() + ms;
    const left = () => Math.max(0, deadline - this.#clock.now());
    this.#state = "stopping";
    for (const host of this.#hosts) host.prepareToStop(ms);
    this.#hub.dispatch();
    await Promise.all(this.#queues.map((queue) => settlesWithin(this.#clock, left(), queue.close(left() * 0.75))));
    for (const host of [...this.#hosts].reverse()) await host.stop(left());
    this.#hub.dispatch();
    this.#drain.stop();
    this.#programStats?.close();
    for (const stream of [...this.#streams]) stream.end();
    await this.#spool?.close();
    this.#mappedFiles.close();
    this.#surroundings.services.dispose();
    this.#state = "stopped";
  }

  /** Flushes, and once more if something ended while the plugins were at it: there is no next interval for it. */
  async #flushLast(pluginMs: number): Promise<void> {
    await this.#flushAll(pluginMs, true);
    await this.#drainBefore(pluginMs);
    if (this.#hosts.some((host) => host.status().counters.pending > 0)) await this.#flushAll(pluginMs, true);
  }

  #drainBefore(pluginMs: number): Promise<void> {
    return this.#drain.drainAll(performance.now() + Math.min(pluginMs, drainMs));
  }

  #flushAll(pluginMs: number, isLast = false): Promise<void> {
    return this.#flushTimes.measure(() => this.#flushPlugins(pluginMs, isLast));
  }

  async #flushPlugins(pluginMs: number, isLast: boolean): Promise<void> {
    await this.#drainBefore(pluginMs);
    await this.#hub.hold(async () => {
      for (const host of this.#hosts) await host.flush(pluginMs, isLast);
    });
    for (const host of this.#hosts) host.tellLosses();
  }

  #deliver(points: readonly Point[]): void {
    if (this.#events.listenerCount("point") > 0) for (const point of points) this.#events.emit("point", point);
    for (const stream of this.#streams) {
      const lost = stream.push(points);
      if (lost > 0) this.#lost({ consumer: "points()", reason: "iterator_full", count: lost });
    }
    for (const queue of this.#queues) queue.push(points);
  }

  #hostOf(entry: PluginEntry): PluginHost {
    const plugin = entry.plugin.name;
    const log = this.#log.child({ plugin });
    return new PluginHost(entry, this.#surroundings, { ...defaultRestart, ...this.options.restart }, log, {
      state: (change) => {
        const { from, to, reason } = change;
        log.debug({ event: "state", from, to, reason }, `${from} -> ${to}`);
        this.#events.emit("state", change);
      },
      loss: (reason, count) => this.#lost({ plugin, reason, count }),
      error: (error) => this.#failed(error),
      services: (available) => {
        for (const id of entry.plugin.provides ?? []) {
          for (const host of this.#hosts) {
            if (available) host.serviceBack(serviceName(id), plugin);
            else host.serviceGone(serviceName(id), plugin);
          }
        }
      },
    });
  }

  #queueOf(exporter: NonNullable<AgentOptions["exporters"]>[number]): ExportQueue {
    return new ExportQueue(exporter, {
      clock: this.#clock,
      capacity: this.#limits.queuedPoints,
      batch: this.#limits.batchPoints,
      attemptMs: this.#limits.exportMs,
      retry: { initialMs: this.#limits.retryMs, maxMs: this.#limits.maxRetryMs },
      onLoss: (reason, count) => this.#lost({ exporter: exporter.name, reason, count }),
      onAway: (error) => {
        const words = `exporter ${exporter.name} cannot deliver: ${messageOf(error)}; it will be tried again`;
        this.#log.warn({ event: "export", exporter: exporter.name }, words);
      },
      onBack: () =>
        this.#log.info({ event: "export", exporter: exporter.name }, `exporter ${exporter.name} delivers again`),
      onError: (cause) => {
        const message = `exporter ${exporter.name} failed: ${messageOf(cause)}`;
        this.#failed(isSkepError(cause) ? cause : new SkepError("SKEP_ERR_EXPORT", message, { cause }));
      },
    });
  }

  #lost(loss: Loss): void {
    this.#log.warn({ event: "loss", ...loss }, `lost ${loss.count}: ${loss.reason}`);
    this.#events.emit("loss", loss);
  }

  /** An error goes to whoever listens, and to the log when nobody does. */
  #failed(error: SkepError): void {
    if (this.#events.emit("error", error)) return;
    const { code, plugin, phase, hint } = error;
    this.#log.error({ event: "error", code, plugin, phase, hint }, error.message);
  }

  /** Told once per listener: one that fails for a point fails for all. */
  #listenerThrew(event: keyof AgentEvents, listener: object, thrown: unknown): void {
    this.#listenerFailures++;
    if (this.#throwers.has(listener)) return;
    this.#throwers.add(listener);
    const message = `a listener of the event ${event} threw: ${messageOf(thrown)}`;
    this.#failed(new SkepError("SKEP_ERR_LISTENER", message, { cause: thrown }));
  }
}

function wordsOf(relief: Relief): string {
  switch (relief.action) {
    case "reduce":
      return `using too much, keeping ${relief.share * 100} % of the flows`;
    case "restore":
      return `keeping ${relief.share * 100} % of the flows again`;
    case "stop":
      return `using too much, stopping ${relief.plugin ?? "a plugin"}`;
    case "exit":
      return "using too much with every plugin stopped, leaving";
  }
}
