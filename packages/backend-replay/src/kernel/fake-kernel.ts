// SPDX-License-Identifier: MIT

import {
  type Attach,
  type Backend,
  type Capability,
  type ChosenStrategy,
  type IteratorTarget,
  kernelStats,
  type Layout,
  type OpenRequest,
  type Plugin,
  type Session,
  SkepError,
  type Verdict,
} from "@skep/core";
import { layoutsOf } from "../recording/layout-hash.js";
import { FakeIterator } from "./fake-iterator.js";
import { FakeMap } from "./fake-map.js";
import { FakeRing } from "./fake-ring.js";
import { type FakeLink, FakeSession } from "./fake-session.js";
import { type Lend, lendOnce } from "./lend.js";
import { type MapDefinition, mapDefinitions } from "./map-definition.js";
import { chooseStrategies, type Verdicts, verdictOn } from "./verdicts.js";

export interface FakeKernelOptions {
  /** The plugin that will be loaded: its codecs' layouts are the truth. */
  readonly plugin?: Pick<Plugin, "streams" | "layouts">;
  /** Layouts, when no plugin is given or another object is to be pretended. */
  readonly layouts?: readonly Layout[];
  /** Maps with their sizes. Maps that are not named come into being when they are asked for. */
  readonly maps?: readonly MapDefinition[];
  /** Compiled objects whose map definitions are taken. No others exist then. */
  readonly objects?: readonly Uint8Array[];
  /** What this host can do. Default: everything. */
  readonly verdicts?: Verdicts;
  /** The answer about what `verdicts` does not name. Default: it works. */
  readonly otherwise?: Verdict;
  /** How many values per-CPU maps have. Default 2. */
  readonly possibleCpus?: number;
  /** How bytes are lent to handlers. Default {@link lendOnce}: a cursor that is kept throws. */
  readonly lend?: Lend;
}

const statsDefinition: MapDefinition = {
  name: "skep_stats",
  type: "percpu_array",
  keySize: 4,
  valueSize: 8,
  maxEntries: kernelStats.length,
};

/**
 * A kernel for one plugin, in memory: a backend whose rings, maps and iterators a test fills.
 * Its state outlives sessions, so that a restarted plugin finds what it left.
 */
export class FakeKernel implements Backend {
  readonly name: string = "fake";
  readonly readsObjects = false;
  protected readonly lend: Lend;
  protected readonly possibleCpus: number;
  readonly #rings = new Map<string, FakeRing>();
  readonly #maps = new Map<string, FakeMap>();
  readonly #iterators = new Map<string, FakeIterator>();
  readonly #sessions = new Set<FakeSession>();
  readonly #layouts: ReadonlyMap<string, Layout>;
  readonly #attachFailures = new Map<string, string>();
  /** Entries and bytes from the plugin's load plan, for what comes into being later. */
  readonly #sizes = new Map<string, number>();
  readonly #strict: boolean;
  #verdicts: Verdicts;

  constructor(private readonly options: FakeKernelOptions = {}) {
    this.lend = options.lend ?? lendOnce;
    this.possibleCpus = options.possibleCpus ?? 2;
    const layouts = [...(options.plugin === undefined ? [] : layoutsOf(options.plugin)), ...(options.layouts ?? [])];
    this.#layouts = new Map(layouts.map((layout) => [layout.struct, layout]));
    this.#verdicts = options.verdicts ?? {};
    this.#strict = options.objects !== undefined;
    for (const definition of [...(options.objects ?? []).flatMap(mapDefinitions), ...(options.maps ?? [])]) {
      this.define(definition);
    }
  }

  // ---- what a test does ----

  /** A ring: what is pushed comes out of the plugin's stream. */
  ring(map: string): FakeRing {
    let ring = this.#rings.get(map);
    if (ring === undefined) {
      const size = this.#sizes.get(map);
      ring = new FakeRing(map, this.lend, {
        onOverflow: () => this.lose("ring_full"),
        ...(size === undefined ? {} : { size }),
      });
      this.#rings.set(map, ring);
    }
    return ring;
  }

  /** A map: what is updated here the plugin finds, and the other way round. */
  map(name: string): FakeMap {
    return this.#maps.get(name) ?? this.define(undefinedMap(name, this.#sizes.get(name)));
  }

  /** What an iterator program says; for one process, or for all that nothing else was said for. */
  iterator(program: string, target: IteratorTarget = {}): FakeIterator {
    const ofAll = this.#iteratorOf(program);
    return target.pid === undefined ? ofAll : (this.#iterators.get(`${program} ${target.pid}`) ?? ofAll);
  }

  /** What an iterator program says when only this process is asked for. */
  iteratorFor(program: string, pid: number): FakeIterator {
    return this.#iteratorOf(`${program} ${pid}`);
  }

  /** Counts `n` observations as lost in the kernel, for one of the reasons of `skep_stats`. */
  lose(reason: (typeof kernelStats)[number], n = 1): void {
    const map = this.#maps.get(statsDefinition.name) ?? this.define(statsDefinition);
    map.adjust(Uint8Array.of(kernelStats.indexOf(reason), 0, 0, 0), (value) => {
      const view = new DataView(value.buffer);
      view.setBigUint64(0, view.getBigUint64(0, true) + BigInt(n), true);
    });
  }

  /** Makes something work or not from now on; see {@link Verdicts}. A plugin that is loaded already keeps its strategies. */
  script(verdicts: Verdicts): void {
    this.#verdicts = { ...this.#verdicts, ...verdicts };
  }

  /** Lets a program be chosen but not attached: what no trial can foresee. `undefined`: it can be attached again. */
  failAttach(program: string, reason: string | undefined): void {
    if (reason === undefined) this.#attachFailures.delete(program);
    else this.#attachFailures.set(program, reason);
  }

  /** Everything attached now. */
  get links(): readonly FakeLink[] {
    return [...this.#sessions].flatMap((session) => session.links);
  }

  // ---- what core does ----

  async probe(what: Capability | Attach): Promise<Verdict> {
    return verdictOn(this.#verdicts, what, this.options.otherwise ?? { supported: true });
  }

  async choose(request: OpenRequest): Promise<Readonly<Record<string, ChosenStrategy>>> {
    return chooseStrategies(request, this.#verdicts);
  }

  async open(request: OpenRequest): Promise<Session> {
    const strategies = await this.choose(request);
    requireMandatory(request, strategies);
    for (const [name, entries] of Object.entries(request.mapEntries)) this.resize(name, entries);
    const session = new FakeSession(this, request, strategies, () => this.attached());
    this.#sessions.add(session);
    return session;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.close();
    this.#sessions.clear();
  }

  // ---- what a session asks ----

  /** @internal */
  hasMap(name: string): boolean {
    return this.#maps.has(name) || this.#rings.has(name) || (!this.#strict && !name.startsWith("skep_"));
  }

  /** @internal */
  layoutOf(struct: string): Layout | undefined {
    return this.#layouts.get(struct);
  }

  /** @internal */
  attachFailureOf(program: string): string | undefined {
    return this.#attachFailures.get(program);
  }

  /** True when a test said what this host can do. */
  protected get isScripted(): boolean {
    return Object.keys(this.#verdicts).length > 0;
  }

  /** Called when a session has attached its programs. */
  protected attached(): void {}

  /** Applies what the plugin's load plan says about a map or ring. */
  protected resize(name: string, entries: number): void {
    const ring = this.#rings.get(name);
    if (ring !== undefined) ring.size = entries;
    const map = this.#maps.get(name);
    if (map !== undefined) map.maxEntries = entries;
    this.#sizes.set(name, entries);
  }

  protected define(definition: MapDefinition): FakeMap {
    return this.adopt(new FakeMap(definition, this.possibleCpus, this.lend));
  }

  protected adopt(map: FakeMap): FakeMap {
    this.#maps.set(map.name, map);
    return map;
  }

  protected adoptRing(ring: FakeRing): void {
    this.#rings.set(ring.map, ring);
  }

  #iteratorOf(key: string): FakeIterator {
    let iterator = this.#iterators.get(key);
    if (iterator === undefined) {
      iterator = new FakeIterator(key, this.lend);
      this.#iterators.set(key, iterator);
    }
    return iterator;
  }
}

/** A kernel in memory for unit tests of one plugin. */
export const fakeKernel = (options?: FakeKernelOptions): FakeKernel => new FakeKernel(options);

const undefinedMap = (name: string, maxEntries = 10_240): MapDefinition => ({
  name,
  type: "hash",
  keySize: 0,
  valueSize: 0,
  maxEntries,
});

function requireMandatory(request: OpenRequest, strategies: Readonly<Record<string, ChosenStrategy>>): void {
  for (const [group, { name, refused }] of Object.entries(strategies)) {
    if (name !== undefined || request.probes[group]?.optional) continue;
    const why = refused.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
    throw new SkepError("SKEP_ERR_PROBES", `plugin ${request.plugin}: no strategy of group ${group} works: ${why}`, {
      plugin: request.plugin,
      phase: "load",
    });
  }
}
