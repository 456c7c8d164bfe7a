// SPDX-License-Identifier: MIT

import {
  type Attach,
  type BpfIterator,
  type BpfMap,
  type IteratorTarget,
  type Layout,
  type Link,
  type OpenRequest,
  type Ring,
  type Session,
  SkepError,
} from "@skep/core";
import { iteratorHandle } from "./fake-iterator.js";
import type { FakeKernel } from "./fake-kernel.js";

/** A program attached somewhere. */
export interface FakeLink {
  readonly program: string;
  readonly where: Attach;
}

/** What one plugin loaded into a {@link FakeKernel}. */
export class FakeSession implements Session {
  readonly #links = new Set<FakeLink>();
  /** Programs of the chosen strategies and where they go. */
  readonly #programs: ReadonlyMap<string, readonly Attach[]>;
  #closed = false;

  constructor(
    private readonly kernel: FakeKernel,
    private readonly request: OpenRequest,
    readonly strategies: Session["strategies"],
    private readonly onAttached: () => void,
  ) {
    this.#programs = programsOf(request, strategies);
  }

  /** What is attached now. */
  get links(): readonly FakeLink[] {
    return [...this.#links];
  }

  async attach(): Promise<void> {
    this.#requireOpen();
    const wanted = [...this.#programs].flatMap(([program, places]) => places.map((where) => ({ program, where })));
    const atStart = wanted.filter(({ where }) => attachesAtStart(where));
    for (const { program } of atStart) this.#requireAttachable(program);
    for (const link of atStart) this.#links.add(link);
    this.onAttached();
  }

  attachTo(program: string, where: Attach): Link {
    this.#requireOpen();
    if (!this.hasProgram(program)) throw this.#unknown("program", program);
    this.#requireAttachable(program);
    const link = { program, where };
    this.#links.add(link);
    return { close: () => void this.#links.delete(link) };
  }

  ring(map: string): Ring {
    this.#requireOpen();
    const ring = this.kernel.ring(map);
    return {
      map,
      size: ring.size,
      pending: () => (this.#closed ? 0 : ring.pending()),
      end: () => ring.end(),
      hasReached: (end) => this.#closed || ring.hasReached(end),
      drain: (handler, deadline) => {
        this.#requireOpen();
        return ring.drain(handler, deadline);
      },
      wait: (callback) => {
        this.#requireOpen();
        ring.wait(callback);
      },
      cancelWait: () => ring.cancelWait(),
    };
  }

  map(name: string): BpfMap {
    this.#requireOpen();
    if (!this.hasMap(name)) throw this.#unknown("map", name);
    const map = this.kernel.map(name);
    const whileOpen =
      <A extends unknown[], R>(operation: (...parameters: A) => R) =>
      (...parameters: A): R => {
        this.#requireOpen();
        return operation(...parameters);
      };
    return {
      name,
      type: map.type,
      get keySize() {
        return map.keySize;
      },
      get valueSize() {
        return map.valueSize;
      },
      get maxEntries() {
        return map.maxEntries;
      },
      lookup: whileOpen((key) => map.lookup(key)),
      update: whileOpen((key, value) => map.update(key, value)),
      delete: whileOpen((key) => map.delete(key)),
      scan: whileOpen((visit, options) => map.scan(visit, options)),
    };
  }

  hasMap(name: string): boolean {
    return this.kernel.hasMap(name);
  }

  iterator(program: string, target?: IteratorTarget): BpfIterator {
    this.#requireOpen();
    if (!this.hasProgram(program)) throw this.#unknown("program", program);
    return iteratorHandle(this.kernel.iterator(program, target), () => this.#requireOpen());
  }

  hasProgram(program: string): boolean {
    return this.#programs.has(program);
  }

  layoutOf(struct: string): Layout | undefined {
    return this.kernel.layoutOf(struct);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#links.clear();
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new SkepError("SKEP_ERR_CLOSED", `plugin ${this.request.plugin} used its session after it was closed`, {
      plugin: this.request.plugin,
    });
  }

  #requireAttachable(program: string): void {
    const reason = this.kernel.attachFailureOf(program);
    if (reason === undefined) return;
    throw new SkepError("SKEP_ERR_ATTACH", `program ${program} cannot be attached: ${reason}`, {
      plugin: this.request.plugin,
      phase: "attach",
    });
  }

  #unknown(what: string, name: string): SkepError {
    return new SkepError("SKEP_ERR_OBJECT", `plugin ${this.request.plugin} has no ${what} ${name}`, {
      plugin: this.request.plugin,
    });
  }
}

/** Iterators are attached when they are read, uprobes without a target when one is found. */
function attachesAtStart(where: Attach): boolean {
  if (where.kind === "uprobe" || where.kind === "uretprobe") return where.target !== undefined;
  return where.kind !== "iter";
}

function programsOf(request: OpenRequest, strategies: Session["strategies"]): Map<string, readonly Attach[]> {
  const programs = new Map<string, readonly Attach[]>();
  for (const [group, { name }] of Object.entries(strategies)) {
    const strategy = request.probes[group]?.strategies.find((strategy) => strategy.name === name);
    for (const [program, places] of Object.entries(strategy?.programs ?? {})) programs.set(program, [places].flat());
  }
  return programs;
}
