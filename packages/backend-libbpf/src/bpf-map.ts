// SPDX-License-Identifier: MIT

import { SkepError, type BpfMap, type SliceOptions } from "@skep/core";
import { errno, errnoName, systemError } from "./errno.js";
import type { Libbpf } from "./ffi.js";
import type { Library } from "./library.js";
import type { MapHandle } from "./object.js";
import { BatchBuffer, ScanError, scanByBatch, scanByWalk, type EntryVisitor, type ScannedMap } from "./scan.js";
import { MapType } from "./uapi.js";

const perCpu: ReadonlySet<number> = new Set([
  MapType.PERCPU_HASH,
  MapType.PERCPU_ARRAY,
  MapType.LRU_PERCPU_HASH,
  MapType.PERCPU_CGROUP_STORAGE,
]);

/** A map of a session, by its descriptor. All bytes handed out are copies, but for the cursors of {@link scan}. */
export class LibbpfMap implements BpfMap {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly #libbpf: Libbpf;
  readonly #handle: MapHandle;
  /** Bytes the kernel copies for one value. */
  readonly #stride: number;
  /** Whether the kernel has batches for this map: `false` -> to look up, `true` -> to look up and delete. */
  readonly #batches = new Map<boolean, boolean>();
  #spare: BatchBuffer | undefined;

  constructor(library: Library, handle: MapHandle) {
    this.#libbpf = library.libbpf;
    this.#handle = handle;
    this.name = handle.name;
    this.type = handle.typeName;
    this.keySize = handle.keySize;
    this.valueSize = handle.valueSize;
    this.maxEntries = handle.maxEntries;
    this.#stride = perCpu.has(handle.type)
      ? ((this.valueSize + 7) & ~7) * library.libbpf.libbpf_num_possible_cpus()
      : this.valueSize;
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    this.requireKey(key);
    const value = new Uint8Array(this.#stride);
    const code = this.#libbpf.bpf_map_lookup_elem(this.#handle.fd, key, value);
    if (code === -errno.ENOENT) return undefined;
    if (code < 0) throw this.failure("look up", code);
    return value;
  }

  update(key: Uint8Array, value: Uint8Array): void {
    this.requireKey(key);
    if (value.length !== this.#stride) {
      throw new SkepError("SKEP_ERR_MAP", `map ${this.name}: a value has ${this.#stride} bytes, not ${value.length}`);
    }
    const code = this.#libbpf.bpf_map_update_elem(this.#handle.fd, key, value, 0);
    if (code < 0) throw this.failure("update", code);
  }

  delete(key: Uint8Array): boolean {
    this.requireKey(key);
    const code = this.#libbpf.bpf_map_delete_elem(this.#handle.fd, key);
    if (code < 0 && code !== -errno.ENOENT) throw this.failure("delete from", code);
    return code === 0;
  }

  async scan(visit: EntryVisitor, options: SliceOptions & { readonly remove?: boolean } = {}): Promise<number> {
    const handle = this.#handle;
    const map: ScannedMap = {
      get fd() {
        return handle.fd;
      },
      keySize: this.keySize,
      stride: this.#stride,
      maxEntries: this.maxEntries,
    };
    try {
      if (this.#batches.get(options.remove ?? false) !== false) {
        const visited = await this.scanByBatch(map, visit, options);
        if (visited !== undefined) return visited;
      }
      return await scanByWalk(this.#libbpf, map, visit, options);
    } catch (error) {
      if (error instanceof ScanError) throw this.failure("scan", error.errno);
      throw error;
    }
  }

  /** Undefined when the kernel has no batches for this map. */
  private async scanByBatch(
    map: ScannedMap,
    visit: EntryVisitor,
    options: SliceOptions & { readonly remove?: boolean },
  ): Promise<number | undefined> {
    const { remove = false } = options;
    // Taken, so that a second scan meanwhile gets its own.
    const buffer = this.#spare ?? new BatchBuffer(map);
    this.#spare = undefined;
    try {
      const result = await scanByBatch(this.#libbpf, map, buffer, visit, options);
      this.#batches.set(remove, true);
      this.#spare = result.buffer;
      return result.visited;
    } catch (error) {
      if (this.#batches.get(remove) !== true && error instanceof ScanError && error.unsupported) {
        this.#batches.set(remove, false);
        return undefined;
      }
      throw error;
    }
  }

  private requireKey(key: Uint8Array): void {
    if (key.length === this.keySize) return;
    throw new SkepError("SKEP_ERR_MAP", `map ${this.name}: a key has ${this.keySize} bytes, not ${key.length}`);
  }

  private failure(what: string, code: number): SkepError {
    return new SkepError("SKEP_ERR_MAP", `cannot ${what} map ${this.name} (${this.type}): ${errnoName(code)}`, {
      cause: systemError(code),
    });
  }
}
