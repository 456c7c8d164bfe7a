// SPDX-License-Identifier: MIT

import { type BpfMap, type Cursor, type SliceOptions, SkepError } from "@skep/core";
import type { Lend } from "./lend.js";
import type { MapDefinition } from "./map-definition.js";

export type EntryVisitor = (key: Cursor, value: Cursor) => void;

/**
 * A BPF map in memory. Hash maps refuse what is too much, LRU maps make room, arrays are full of zeros and cannot be deleted from.
 * Sizes that no definition gave are those of the first entry.
 */
export class FakeMap implements BpfMap {
  readonly name: string;
  readonly type: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  readonly #entries = new Map<string, readonly [key: Uint8Array, value: Uint8Array]>();
  readonly #perCpu: boolean;
  readonly #array: boolean;
  readonly #lru: boolean;

  constructor(
    definition: MapDefinition,
    private readonly possibleCpus: number,
    private readonly lend: Lend,
  ) {
    this.name = definition.name;
    this.type = definition.type;
    this.keySize = definition.keySize;
    this.valueSize = definition.valueSize;
    this.maxEntries = definition.maxEntries;
    this.#perCpu = /percpu/.test(definition.type);
    this.#array = /^(percpu_)?array$/.test(definition.type);
    this.#lru = definition.type.startsWith("lru_");
  }

  /** Bytes of a value as it is passed around: all CPUs' for a per-CPU map. 0: not known yet. */
  get stride(): number {
    return this.#perCpu ? ((this.valueSize + 7) & ~7) * this.possibleCpus : this.valueSize;
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#requireKey(key);
    const id = idOf(key);
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#array && this.#indexOf(key) < this.maxEntries ? this.#zeros() : undefined;
    if (this.#lru) {
      this.#entries.delete(id);
      this.#entries.set(id, entry);
    }
    return Uint8Array.from(entry[1]);
  }

  update(key: Uint8Array, value: Uint8Array): void {
    if (this.keySize === 0) this.keySize = key.length;
    if (this.stride === 0) this.valueSize = this.#perCpu ? value.length / this.possibleCpus : value.length;
    this.#requireKey(key);
    if (value.length !== this.stride) throw this.#failure(`a value has ${this.stride} bytes, not ${value.length}`);
    const id = idOf(key);
    if (this.#array && this.#indexOf(key) >= this.maxEntries) throw this.#failure("E2BIG: no such index");
    if (!this.#entries.has(id) && this.#entries.size >= this.maxEntries) this.#makeRoom();
    this.#entries.set(id, [Uint8Array.from(key), Uint8Array.from(value)]);
  }

  delete(key: Uint8Array): boolean {
    this.#requireKey(key);
    if (this.#array) throw this.#failure("EINVAL: nothing can be deleted from an array");
    return this.#entries.delete(idOf(key));
  }

  async scan(visit: EntryVisitor, options: SliceOptions & { readonly remove?: boolean } = {}): Promise<number> {
    const entries = this.entries();
    if (options.remove) for (const [key] of entries) this.delete(key);
    return this.visitAll(entries, visit);
  }

  /** Changes one value in place, as a BPF program does. Of an array, or of a key that is there. */
  adjust(key: Uint8Array, change: (value: Uint8Array) => void): void {
    const value = this.#entries.get(idOf(key))?.[1] ?? (this.#array ? this.#zeros() : undefined);
    if (value === undefined) return;
    change(value);
    this.update(key, value);
  }

  /** What the map holds, oldest first; an array's zeros too. */
  entries(): (readonly [key: Uint8Array, value: Uint8Array])[] {
    if (!this.#array) return [...this.#entries.values()];
    return Array.from({ length: this.maxEntries }, (_, index) => {
      const key = new Uint8Array(4);
      new DataView(key.buffer).setUint32(0, index, true);
      return [key, this.lookup(key)!] as const;
    });
  }

  protected visitAll(entries: readonly (readonly [Uint8Array, Uint8Array])[], visit: EntryVisitor): number {
    for (const [key, value] of entries) {
      this.lend(key, (keyCursor) => this.lend(value, (valueCursor) => visit(keyCursor, valueCursor)));
    }
    return entries.length;
  }

  #makeRoom(): void {
    const oldest = this.#entries.keys().next().value;
    if (!this.#lru || oldest === undefined) throw this.#failure("E2BIG: the map is full");
    this.#entries.delete(oldest);
  }

  #zeros(): Uint8Array {
    return new Uint8Array(this.stride);
  }

  #indexOf(key: Uint8Array): number {
    return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0, true);
  }

  #requireKey(key: Uint8Array): void {
    if (this.keySize === 0 || key.length === this.keySize) return;
    throw this.#failure(`a key has ${this.keySize} bytes, not ${key.length}`);
  }

  #failure(what: string): SkepError {
    return new SkepError("SKEP_ERR_MAP", `map ${this.name}: ${what}`);
  }
}

/** Bytes as a key of a JavaScript map. */
export const idOf = (key: Uint8Array): string => Buffer.from(key).toString("latin1");
