// SPDX-License-Identifier: MIT

import type { z } from "zod";
import type { BpfIterator, BpfMap, Link, RecordHandler } from "./backend.js";
import type { Codec } from "./codec.js";
import type { HostIdentity } from "./host-identity.js";
import type { Logger } from "./logger.js";
import type { AnyMeasurement, Point } from "./measurement.js";
import type { Attach, ProbeGroup } from "./probes.js";
import type { Scope } from "./scope.js";
import type { ServiceId } from "./service.js";

/** Version of this contract. A plugin fits when its major is equal and its minor is not newer. */
export const PLUGIN_API = "1.0";

/** Configuration of a plugin: a zod object whose keys are the names users write in `ebpf.conf`. */
export type ConfigSchema<C> = z.ZodType<C> & { readonly shape: Readonly<Record<string, z.ZodType>> };

/** A compiled BPF object per `process.arch`, as a file URL inside the plugin's package. */
export type ObjectFiles = Readonly<Partial<Record<"x64" | "arm64", URL>>>;

/** A ring buffer of records with one layout. */
export interface StreamSpec<T = unknown> {
  /** Name of the ring-buffer map. */
  readonly map: string;
  readonly codec: Codec<T>;
  /**
   * True for few records that somebody waits for, such as the exec of a program that is to be probed: each wakes the agent. Other
   * records wait for the drain's timer, 5 to 20 ms, which costs the traced process less.
   */
  readonly urgent?: boolean;
}

/** What the plugin's configuration means for its BPF objects, decided before they are loaded. */
export interface LoadPlan {
  /** `const volatile` globals of the objects. */
  readonly rodata?: Readonly<Record<string, number | bigint | boolean>>;
  /** Map name -> max_entries. Ring buffers: bytes, a power of two of at least a page. */
  readonly mapEntries?: Readonly<Record<string, number>>;
  /** Probe groups this configuration does not need. */
  readonly without?: readonly string[];
}

/**
 * A plugin: data that can be read without running anything, and one function.
 * Make it with {@link definePlugin}.
 */
export interface Plugin<C = unknown> {
  readonly api: string;
  /** What `enabled_plugins` says. */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly config: ConfigSchema<C>;
  readonly measurements: readonly AnyMeasurement[];
  /** Object name -> files per architecture. Most plugins have one object. Empty: a plugin without BPF. */
  readonly objects: Readonly<Record<string, ObjectFiles>>;
  readonly probes: Readonly<Record<string, ProbeGroup>>;
  readonly streams: Readonly<Record<string, StreamSpec>>;
  /** Codecs of iterator records and map values: their layouts are proved at load like those of the streams. */
  readonly layouts?: readonly Codec[];
  /** Linux capabilities needed, such as `CAP_BPF`. */
  readonly capabilities: readonly string[];
  readonly provides?: readonly ServiceId<unknown>[];
  /** Services without which the plugin cannot run. */
  readonly uses?: readonly ServiceId<unknown>[];
  /** Services it can do without. */
  readonly optionallyUses?: readonly ServiceId<unknown>[];
  load?(config: C, scope: Scope): LoadPlan;
  /** Called after the objects are loaded and before programs are attached: the place to seed maps. */
  setup(context: PluginContext<C>): PluginInstance | Promise<PluginInstance>;
}

/** What `setup` returns. All are optional, called one at a time, and may throw: see the agent's isolation rules. */
export interface PluginInstance {
  /** After the programs are attached. */
  start?(): void | Promise<void>;
  /**
   * Each interval, and a last time before `close`: emit the points of the interval. `time` is the Unix time in ns to stamp.
   * `isLast`: nothing more will be observed, so what waits for something waits in vain. There may be two last ones.
   */
  flush?(time: bigint, isLast?: boolean): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** How a plugin reads one of its streams. */
export interface StreamReader {
  /** The handler runs on the drain clock. */
  on(handler: RecordHandler): void;
  /**
   * Hands over what has arrived, now and on the caller's stack, rather than at the drain clock's next turn. For services, whose
   * users ask about what the kernel has told already. Costs little when there is nothing; never takes longer than a slice.
   */
  catchUp(): void;
}

export interface PluginContext<C = unknown> {
  readonly config: Readonly<C>;
  readonly scope: Scope;
  readonly host: HostIdentity;
  readonly log: Logger;
  /** Aborted when the plugin is stopped or quarantined. */
  readonly signal: AbortSignal;
  /** Where unix time and the kernel's monotonic time meet: unix ns = `bootTime` + `bpf_ktime_get_ns()`. */
  bootTime(): bigint;
  /** Chosen strategy of a probe group; undefined when the group does not run. */
  strategy(group: string): string | undefined;
  /** A declared stream. */
  ring(stream: string): StreamReader;
  map(name: string): BpfMap;
  iterator(program: string, target?: { readonly pid?: number }): BpfIterator;
  hasProgram(program: string): boolean;
  attachTo(program: string, where: Attach): Link;
  /** Hands a point over and accounts for one observation: the one the point stands for. */
  emit(point: Point): void;
  /**
   * `observed`: observations core cannot see, such as records of an iterator or entries of a map. Ring records are counted by core.
   * `aggregated`: observations folded into a point (or a service) that already stands for another one. So a plugin that keeps
   * buckets says nothing when an observation opens a bucket, `aggregated` when it joins one, and emits the buckets at flush.
   * See `PluginCounters` for the sum that must come out.
   */
  count(kind: "observed" | "aggregated", n?: number): void;
  /** Accounts for observations that become nothing. `reason` is a short snake_case word. */
  drop(reason: string, n?: number): void;
  provide<S>(id: ServiceId<S>, implementation: S): void;
  use<S>(id: ServiceId<S>): S;
  /** Ask again at each flush rather than keep the answer: a provider may fail and come back. */
  tryUse<S>(id: ServiceId<S>): S | undefined;
  /** Runs `fn` every `ms` milliseconds until the plugin closes; never overlaps itself or the plugin's flush. */
  every(ms: number, fn: () => void | Promise<void>): void;
  /**
   * Something the plugin finds out for itself rather than from its BPF objects or a service: a user's name, a link in /proc.
   * Returns what `look` returns: text, numbers, and lists and tables of these. A recording keeps the answer and a replay gives it
   * again without looking, so that it needs nothing of the host that was recorded.
   * @param key names the question: equal keys ask the same thing
   */
  fact<T>(key: string, look: () => T): T;
  /** Resolves after `ms` milliseconds on the agent's clock, which is not the wall's in tests and replays. */
  sleep(ms: number): Promise<void>;
  /**
   * Running, but seeing less: shown in `status()`. Returns what takes the reason back, for troubles that end: with the last
   * reason the plugin is `running` again. A reason given twice is one.
   */
  degrade(reason: string): () => void;
}

/**
 * Declares a plugin. `api` may be left out: it is the contract this copy of core speaks.
 * The result is recognised by its shape, never by identity, so two copies of core are harmless.
 */
export function definePlugin<C>(plugin: Omit<Plugin<C>, "api"> & { readonly api?: string }): Plugin<C> {
  return Object.freeze({ ...plugin, api: plugin.api ?? PLUGIN_API });
}
