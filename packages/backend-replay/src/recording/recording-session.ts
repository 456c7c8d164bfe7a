// SPDX-License-Identifier: MIT

import type {
  Attach,
  BpfIterator,
  BpfMap,
  IteratorTarget,
  Layout,
  Link,
  ProgramStats,
  Ring,
  Session,
} from "@skep/core";
import { RecordingIterator, RecordingMap, RecordingRing } from "./recording-handles.js";
import type { RecordingWriter, StreamId } from "./writer.js";

/** A session whose answers are written down. Owns the writer: closing the session completes the recording. */
export class RecordingSession implements Session {
  /** Questions answered before, so that each answer is written once. */
  readonly #answered = new Set<string>();
  readonly #rings = new Map<string, RecordingRing>();
  readonly #maps = new Map<string, RecordingMap>();
  /** Program and process -> its id: an iterator opened again is the same stream. */
  readonly #iterators = new Map<string, StreamId>();

  constructor(
    private readonly inner: Session,
    private readonly writer: RecordingWriter,
  ) {}

  get strategies(): Session["strategies"] {
    return this.inner.strategies;
  }

  async attach(): Promise<void> {
    try {
      await this.inner.attach();
    } catch (error) {
      this.writer.failure(0, "attach", error);
      throw error;
    }
  }

  attachTo(program: string, where: Attach): Link {
    try {
      return this.inner.attachTo(program, where);
    } catch (error) {
      this.writer.failure(0, "attachTo", error, program);
      throw error;
    }
  }

  ring(map: string): Ring {
    const known = this.#rings.get(map);
    if (known !== undefined) return known;
    const ring = new RecordingRing(this.inner.ring(map), this.writer);
    this.#rings.set(map, ring);
    return ring;
  }

  map(name: string): BpfMap {
    const known = this.#maps.get(name);
    if (known !== undefined) return known;
    const map = new RecordingMap(this.inner.map(name), this.writer);
    this.#maps.set(name, map);
    return map;
  }

  hasMap(name: string): boolean {
    const yes = this.inner.hasMap(name);
    if (this.#first(`map ${name}`)) this.writer.answer({ ask: "hasMap", name, yes });
    return yes;
  }

  iterator(program: string, target?: IteratorTarget): BpfIterator {
    const inner = this.inner.iterator(program, target);
    const key = `${program} ${target?.pid ?? ""}`;
    let id = this.#iterators.get(key);
    if (id === undefined) {
      const pid = target?.pid;
      id = this.writer.stream({ kind: "iterator", name: program, ...(pid === undefined ? {} : { pid }) });
      this.#iterators.set(key, id);
    }
    return new RecordingIterator(inner, this.writer, id);
  }

  hasProgram(program: string): boolean {
    const yes = this.inner.hasProgram(program);
    if (this.#first(`program ${program}`)) this.writer.answer({ ask: "hasProgram", name: program, yes });
    return yes;
  }

  layoutOf(struct: string): Layout | undefined {
    const layout = this.inner.layoutOf(struct);
    if (this.#first(`struct ${struct}`)) {
      this.writer.answer({ ask: "layoutOf", name: struct, ...(layout === undefined ? {} : { layout }) });
    }
    return layout;
  }

  programStats(): readonly ProgramStats[] {
    return this.inner.programStats?.() ?? [];
  }

  async close(): Promise<void> {
    try {
      await this.inner.close();
    } finally {
      this.writer.close();
    }
  }

  #first(question: string): boolean {
    if (this.#answered.has(question)) return false;
    this.#answered.add(question);
    return true;
  }
}
