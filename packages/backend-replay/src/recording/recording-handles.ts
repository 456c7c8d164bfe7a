// SPDX-License-Identifier: MIT

import type { BpfIterator, BpfMap, Cursor, RecordHandler, Ring, SliceOptions } from "@skep/core";
import type { FrameGroup, RecordingWriter, StreamId } from "./writer.js";

/** A ring that writes down every record it hands over. */
export class RecordingRing implements Ring {
  readonly #id: StreamId;
  #handler: RecordHandler = () => {};
  readonly #tap: RecordHandler = (record) => {
    this.writer.record(this.#id, record);
    this.#handler(record);
  };

  constructor(
    private readonly inner: Ring,
    private readonly writer: RecordingWriter,
  ) {
    this.#id = writer.stream({ kind: "ring", name: inner.map, size: inner.size });
  }

  get map(): string {
    return this.inner.map;
  }

  get size(): number {
    return this.inner.size;
  }

  pending(): number {
    return this.inner.pending();
  }

  end(): number {
    return this.inner.end();
  }

  hasReached(end: number): boolean {
    return this.inner.hasReached(end);
  }

  drain(handler: RecordHandler, deadline: number): number {
    this.#handler = handler;
    return this.inner.drain(this.#tap, deadline);
  }

  wait(callback: () => void): void {
    this.inner.wait(callback);
  }

  cancelWait(): void {
    this.inner.cancelWait();
  }
}

/** A map that writes down what it is asked and what it says. */
export class RecordingMap implements BpfMap {
  readonly #id: StreamId;

  constructor(
    private readonly inner: BpfMap,
    private readonly writer: RecordingWriter,
  ) {
    const { name, type, keySize, valueSize, maxEntries } = inner;
    this.#id = writer.stream({ kind: "map", name, type, keySize, valueSize, maxEntries });
  }

  get name(): string {
    return this.inner.name;
  }

  get type(): string {
    return this.inner.type;
  }

  get keySize(): number {
    return this.inner.keySize;
  }

  get valueSize(): number {
    return this.inner.valueSize;
  }

  get maxEntries(): number {
    return this.inner.maxEntries;
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = this.#orFailure("lookup", () => this.inner.lookup(key));
    this.writer.lookup(this.#id, key, value);
    return value;
  }

  /** What a plugin writes it knows already: only a refusal is news. */
  update(key: Uint8Array, value: Uint8Array): void {
    this.#orFailure("update", () => this.inner.update(key, value));
  }

  delete(key: Uint8Array): boolean {
    const found = this.#orFailure("delete", () => this.inner.delete(key));
    this.writer.delete(this.#id, key, found);
    return found;
  }

  scan(
    visit: (key: Cursor, value: Cursor) => void,
    options: SliceOptions & { readonly remove?: boolean } = {},
  ): Promise<number> {
    const group = this.writer.scan(this.#id, options.remove === true);
    return recorded(
      group,
      (error) => this.writer.failure(this.#id, "scan", error),
      (mark) =>
        this.inner.scan((key, value) => {
          group.add(key, value);
          mark(() => visit(key, value));
        }, options),
    );
  }

  #orFailure<T>(operation: "lookup" | "update" | "delete", run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.writer.failure(this.#id, operation, error);
      throw error;
    }
  }
}

/** An iterator that writes down each read, empty ones too. */
export class RecordingIterator implements BpfIterator {
  constructor(
    private readonly inner: BpfIterator,
    private readonly writer: RecordingWriter,
    private readonly id: StreamId,
  ) {}

  read(recordSize: number, handler: RecordHandler, options?: SliceOptions): Promise<number> {
    const group = this.writer.read(this.id, recordSize);
    return recorded(
      group,
      (error) => this.writer.failure(this.id, "read", error),
      (mark) =>
        this.inner.read(
          recordSize,
          (record) => {
            group.add(record);
            mark(() => handler(record));
          },
          options,
        ),
    );
  }

  close(): void {
    this.inner.close();
  }
}

/**
 * Runs a read or scan and finishes its group. What the plugin's own handler throws (it runs inside `mark`) is no failure of the
 * kernel: the records up to there were learnt.
 */
async function recorded(
  group: FrameGroup,
  onFailure: (error: unknown) => void,
  run: (mark: (handle: () => void) => void) => Promise<number>,
): Promise<number> {
  let ours: { readonly error: unknown } | undefined;
  try {
    const count = await run((handle) => {
      try {
        handle();
      } catch (error) {
        ours = { error };
        throw error;
      }
    });
    group.end();
    return count;
  } catch (error) {
    if (ours?.error === error) group.end();
    else onFailure(error);
    throw error;
  }
}
