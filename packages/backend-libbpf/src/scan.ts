// SPDX-License-Identifier: MIT

import { Cursor, type SliceOptions } from "@skep/core";
import { ENOTSUPP, errno } from "./errno.js";
import type { Libbpf } from "./ffi.js";
import { Slices } from "./slices.js";

/** Entries of one batch call: more gain nothing, and the kernel holds bucket locks meanwhile. */
const BATCH_ENTRIES = 10_000;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Entries between two looks at the clock. */
const ENTRIES_PER_LOOK = 256;

export type EntryVisitor = (key: Cursor, value: Cursor) => void;

/** What a scan needs to know of a map. */
export interface ScannedMap {
  /** Asked for before each call: it throws once the map is closed, whose number may by then be another file's. */
  readonly fd: number;
  readonly keySize: number;
  /** Bytes of a value as the kernel copies it: all processors' for a per-CPU map. */
  readonly stride: number;
  readonly maxEntries: number;
}

/** Room for one batch. Cursors and buffers are made once and used by one scan after another. */
export class BatchBuffer {
  readonly keys: Cursor;
  readonly values: Cursor;
  readonly capacity: number;

  constructor({ keySize, stride, maxEntries }: ScannedMap, capacity?: number) {
    const fitting = Math.max(1, Math.floor(BATCH_BYTES / (keySize + stride)));
    this.capacity = capacity ?? Math.min(BATCH_ENTRIES, fitting, maxEntries);
    this.keys = new Cursor(new ArrayBuffer(roundUp(this.capacity * keySize)));
    this.values = new Cursor(new ArrayBuffer(roundUp(this.capacity * stride)));
    this.keys.length = keySize;
    this.values.length = stride;
  }
}

const roundUp = (bytes: number): number => (bytes + 7) & ~7;

/** A call failed with this errno (negative) after so many entries. */
export class ScanError extends Error {
  constructor(
    readonly errno: number,
    readonly visited: number,
  ) {
    super(`errno ${errno}`);
  }

  /** The kernel has no such operation for this map. */
  get unsupported(): boolean {
    return this.visited === 0 && unsupported.has(-this.errno);
  }
}
const unsupported: ReadonlySet<number> = new Set([errno.EINVAL, errno.EOPNOTSUPP, ENOTSUPP]);

export interface ScanResult {
  readonly visited: number;
  /** The buffer to keep for the next scan: a crowded bucket may have asked for a larger one. */
  readonly buffer: BatchBuffer;
}

/**
 * Visits all entries by batches. Hash maps are read bucket by bucket, so that entries that come and go meanwhile disturb no others.
 * @throws ScanError, also when the kernel has no batches for this map: then {@link scanByWalk} does it.
 */
export async function scanByBatch(
  libbpf: Libbpf,
  map: ScannedMap,
  buffer: BatchBuffer,
  visit: EntryVisitor,
  options: SliceOptions & { readonly remove?: boolean },
): Promise<ScanResult> {
  const call = options.remove ? libbpf.bpf_map_lookup_and_delete_batch : libbpf.bpf_map_lookup_batch;
  const slices = new Slices(options);
  // The bookmark is a bucket number or a key.
  const bookmark = new Uint8Array(Math.max(4, map.keySize));
  const count = new Uint32Array(1);
  let visited = 0;
  for (let first = true, last = false; !last;) {
    const { keys, values, capacity } = buffer;
    count[0] = capacity;
    const code = call(map.fd, first ? null : bookmark, bookmark, keys.bytes, values.bytes, count, null);
    if (code === -errno.ENOSPC) {
      // One bucket holds more than the buffer; the bookmark has not moved.
      buffer = new BatchBuffer(map, Math.min(capacity * 2, map.maxEntries));
      if (buffer.capacity === capacity) throw new ScanError(code, visited);
      continue;
    }
    last = code === -errno.ENOENT;
    if (code < 0 && !last) throw new ScanError(code, visited);
    first = false;
    for (let at = 0; at < count[0]!; at++) {
      keys.at = at * map.keySize;
      values.at = at * map.stride;
      visited++;
      visit(keys, values);
      if (visited % ENTRIES_PER_LOOK === 0 && slices.over) await slices.next();
    }
    if (slices.over) await slices.next();
  }
  return { visited, buffer };
}

/**
 * Visits all entries key by key: for maps (and kernels) without batches. Keys are collected before anything is removed,
 * since the kernel begins anew after a key that is gone; a key deleted by others meanwhile may still make a few come twice.
 * @throws ScanError
 */
export async function scanByWalk(
  libbpf: Libbpf,
  map: ScannedMap,
  visit: EntryVisitor,
  options: SliceOptions & { readonly remove?: boolean },
): Promise<number> {
  const slices = new Slices(options);
  const { count, bytes } = await collectKeys(libbpf, map, slices);
  const keys = new Cursor(bytes.buffer);
  const values = new Cursor(new ArrayBuffer(roundUp(map.stride)));
  keys.length = map.keySize;
  values.length = map.stride;
  let visited = 0;
  for (let index = 0; index < count; index++) {
    const at = index * map.keySize;
    const key = bytes.subarray(at, at + map.keySize);
    const found = libbpf.bpf_map_lookup_elem(map.fd, key, values.bytes);
    if (found < 0 && found !== -errno.ENOENT) throw new ScanError(found, visited);
    if (options.remove && found === 0) {
      const removed = libbpf.bpf_map_delete_elem(map.fd, key);
      if (removed < 0 && removed !== -errno.ENOENT) throw new ScanError(removed, visited);
    }
    if (found === 0) {
      keys.at = at;
      visited++;
      visit(keys, values);
    }
    if (index % ENTRIES_PER_LOOK === 0 && slices.over) await slices.next();
  }
  return visited;
}

async function collectKeys(
  libbpf: Libbpf,
  map: ScannedMap,
  slices: Slices,
): Promise<{ readonly count: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
  let bytes = new Uint8Array(roundUp(64 * map.keySize));
  let count = 0;
  for (let previous: Uint8Array | null = null; count < map.maxEntries; count++) {
    const at = count * map.keySize;
    if (at + map.keySize > bytes.length) {
      const larger = new Uint8Array(bytes.length * 2);
      larger.set(bytes);
      bytes = larger;
    }
    const key = bytes.subarray(at, at + map.keySize);
    const code = libbpf.bpf_map_get_next_key(map.fd, previous, key);
    if (code === -errno.ENOENT) break;
    if (code < 0) throw new ScanError(code, 0);
    previous = key;
    if (count % ENTRIES_PER_LOOK === 0 && slices.over) await slices.next();
  }
  return { count, bytes };
}
