// SPDX-License-Identifier: MIT

import {
  SkepError,
  type Attach,
  type BpfIterator,
  type BpfMap,
  type ChosenStrategy,
  type IteratorTarget,
  type Layout,
  type Link,
  type OpenRequest,
  type ProgramStats,
  type Ring,
  type Session,
} from "@skep/core";
import { attachProgram, isDeferred, type AttachContext } from "./attach.js";
import { LibbpfMap } from "./bpf-map.js";
import { cgroupsOf } from "./cgroups.js";
import { publicChoice, type Choice } from "./choose.js";
import { LinkIterator } from "./iterator.js";
import { linkIterator } from "./iterators.js";
import { LinkSet } from "./link.js";
import type { BpfObject, MapHandle, Program } from "./object.js";
import { statsOf } from "./program-stats.js";
import { objectOf, prepareObject, programPlaces } from "./request.js";
import { RingMap } from "./ring-map.js";
import { MapType } from "./uapi.js";

interface LoadedProgram {
  readonly program: Program;
  readonly places: readonly Attach[];
}

/** The loaded objects of one plugin. Owns everything it hands out. */
export class LibbpfSession implements Session, AsyncDisposable {
  readonly strategies: Readonly<Record<string, ChosenStrategy>>;
  readonly #objects: BpfObject[] = [];
  readonly #programs = new Map<string, LoadedProgram>();
  readonly #maps = new Map<string, MapHandle>();
  readonly #rings = new Map<string, RingMap>();
  readonly #openMaps = new Map<string, LibbpfMap>();
  readonly #iterators = new Set<LinkIterator>();
  readonly #links = new Set<Link>();
  readonly #context: AttachContext;
  #attached = false;
  #closed = false;
  #closing: Promise<void> | undefined;

  /**
   * Loads what was chosen; all or nothing. Objects without a chosen program are left out.
   * @param onClose Called once when the session is closed.
   */
  constructor(
    context: Omit<AttachContext, "plugin" | "cgroups">,
    private readonly request: OpenRequest,
    choices: ReadonlyMap<string, Choice>,
    private readonly onClose: (session: LibbpfSession) => void,
  ) {
    this.strategies = Object.fromEntries([...choices].map(([group, choice]) => [group, publicChoice(choice)]));
    const { library, host } = context;
    this.#context = { library, host, plugin: request.plugin, cgroups: () => cgroupsOf(request.scope, host) };
    try {
      this.load(choices);
    } catch (error) {
      this.closeAll();
      throw error;
    }
  }

  async attach(): Promise<void> {
    this.requireOpen();
    if (this.#attached) return;
    const links = new LinkSet();
    try {
      for (const { program, places } of this.#programs.values()) {
        for (const where of places) {
          if (!isDeferred(where)) links.add(attachProgram(this.#context, program, where));
        }
      }
    } catch (error) {
      links.close();
      throw error;
    }
    this.#links.add(links);
    this.#attached = true;
  }

  attachTo(program: string, where: Attach): Link {
    const link = attachProgram(this.#context, this.loaded(program).program, where);
    const own: Link = {
      close: () => {
        link.close();
        this.#links.delete(own);
      },
      ...(link.closeSoon && {
        closeSoon: async () => {
          await link.closeSoon?.();
          this.#links.delete(own);
        },
      }),
    };
    this.#links.add(own);
    return own;
  }

  ring(name: string): Ring {
    const known = this.#rings.get(name);
    if (known !== undefined && !this.#closed) return known;
    const handle = this.handle(name);
    if (handle.type !== MapType.RINGBUF) throw this.mistake(`map ${name} is a ${handle.typeName}, not a ring buffer`);
    const ring = new RingMap(this.#context.library.native, handle);
    this.#rings.set(name, ring);
    return ring;
  }

  map(name: string): BpfMap {
    const handle = this.handle(name);
    const map = this.#openMaps.get(name) ?? new LibbpfMap(this.#context.library, handle);
    this.#openMaps.set(name, map);
    return map;
  }

  hasMap(name: string): boolean {
    return this.#maps.has(name);
  }

  iterator(name: string, target?: IteratorTarget): BpfIterator {
    const { program, places } = this.loaded(name);
    const where = places.find((place) => place.kind === "iter");
    if (where === undefined) throw this.mistake(`program ${name} is no iterator`);
    const link = linkIterator(this.#context, program, where, target);
    const iterator = new LinkIterator(this.#context.library, name, link, () => this.#iterators.delete(iterator));
    this.#iterators.add(iterator);
    return iterator;
  }

  hasProgram(program: string): boolean {
    return this.#programs.has(program);
  }

  programStats(): readonly ProgramStats[] {
    if (this.#closed) return [];
    return [...this.#programs].flatMap(([name, { program }]) => {
      const stats = statsOf(this.#context.library, program.fd);
      return stats === undefined ? [] : [{ program: name, ...stats }];
    });
  }

  layoutOf(struct: string): Layout | undefined {
    for (const { image } of this.#objects) {
      const layout = image.btf.struct(struct);
      if (layout !== undefined) return layout;
    }
    return undefined;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.closeInBackground());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private load(choices: ReadonlyMap<string, Choice>): void {
    const byObject = new Map<string, NonNullable<Choice["strategy"]>[]>();
    for (const [groupName, { strategy }] of choices) {
      if (strategy === undefined) continue;
      const name = objectOf(this.request, groupName, this.request.probes[groupName]!);
      byObject.set(name, [...(byObject.get(name) ?? []), strategy]);
    }
    const constants = Object.assign(
      {},
      this.request.rodata,
      ...[...byObject.values()].flat().map(({ rodata }) => rodata),
    );
    for (const [name, strategies] of byObject) {
      const object = prepareObject(this.#context, this.request, name, strategies, constants);
      this.#objects.push(object);
      for (const map of this.#maps.values()) object.shareMap(map);
      object.load();
      for (const [mapName, map] of object.maps) if (!this.#maps.has(mapName)) this.#maps.set(mapName, map);
      for (const [programName, places] of programPlaces(strategies)) {
        if (this.#programs.has(programName)) throw this.mistake(`two objects have a program ${programName}`);
        this.#programs.set(programName, { program: object.program(programName), places });
      }
    }
  }

  /** Records still come until the last user probe is gone; nobody reads them. */
  private async closeInBackground(): Promise<void> {
    this.#closed = true;
    for (const ring of this.#rings.values()) ring.close();
    await Promise.all([...this.#links].map((link) => (link.closeSoon === undefined ? link.close() : link.closeSoon())));
    this.closeAll();
    this.onClose(this);
  }

  /** Links first, so that nothing runs any more; descriptors that others use last. */
  private closeAll(): void {
    this.#closed = true;
    for (const ring of this.#rings.values()) ring.close();
    for (const link of [...this.#links]) link.close();
    for (const iterator of [...this.#iterators]) iterator.close();
    for (const object of this.#objects.splice(0).reverse()) object.close();
    this.#links.clear();
  }

  private requireOpen(): void {
    if (!this.#closed) return;
    throw new SkepError("SKEP_ERR_CLOSED", `${this.request.plugin}: the session is closed`, {
      plugin: this.request.plugin,
    });
  }

  private loaded(name: string): LoadedProgram {
    this.requireOpen();
    const program = this.#programs.get(name);
    if (program !== undefined) return program;
    throw this.mistake(`program ${name} is not loaded; loaded are ${[...this.#programs.keys()].join(", ")}`);
  }

  private handle(name: string): MapHandle {
    this.requireOpen();
    const map = this.#maps.get(name);
    if (map !== undefined) return map;
    throw this.mistake(`there is no map ${name}; there are ${[...this.#maps.keys()].join(", ")}`);
  }

  private mistake(message: string): SkepError {
    return new SkepError("SKEP_ERR_OBJECT", `${this.request.plugin}: ${message}`, { plugin: this.request.plugin });
  }
}
