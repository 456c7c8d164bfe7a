// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { constants } from "node:os";
import type { Libbpf } from "../../src/ffi.js";
import { BatchBuffer, ScanError, scanByBatch, scanByWalk, type EntryVisitor, type ScannedMap } from "../../src/scan.js";

const { ENOENT, ENOSPC, EINVAL } = constants.errno;
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const read32 = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

/** A hash map of u32 -> u32 in buckets, with the batch rules of the kernel: whole buckets or ENOSPC, ENOENT at the end. */
class FabricatedMap {
  calls = 0;
  constructor(readonly buckets: Map<number, number>[]) {}

  get map(): ScannedMap {
    return { fd: 3, keySize: 4, stride: 4, maxEntries: 1000 };
  }

  get libbpf(): Libbpf {
    const batch =
      (remove: boolean): Libbpf["bpf_map_lookup_batch"] =>
      (_fd, from, to, keys, values, count) => {
        this.calls++;
        let bucket = from === null ? 0 : read32(from as Uint8Array);
        let filled = 0;
        for (; bucket < this.buckets.length; bucket++) {
          const entries = [...this.buckets[bucket]!];
          if (entries.length > count[0]! - filled) {
            if (filled === 0) {
              count[0] = 0;
              return -ENOSPC;
            }
            break;
          }
          for (const [key, value] of entries) {
            (keys as Uint8Array).set(u32(key), 4 * filled);
            (values as Uint8Array).set(u32(value), 4 * filled++);
          }
          if (remove) this.buckets[bucket]!.clear();
        }
        count[0] = filled;
        (to as Uint8Array).set(u32(bucket));
        return bucket === this.buckets.length ? -ENOENT : 0;
      };
    const all = () => this.buckets.flatMap((bucket) => [...bucket.keys()]);
    return {
      bpf_map_lookup_batch: batch(false),
      bpf_map_lookup_and_delete_batch: batch(true),
      bpf_map_get_next_key: (_fd, key, next) => {
        const keys = all();
        const found = keys[key === null ? 0 : keys.indexOf(read32(key as Uint8Array)) + 1];
        if (found === undefined) return -ENOENT;
        (next as Uint8Array).set(u32(found));
        return 0;
      },
      bpf_map_lookup_elem: (_fd, key, value) => {
        const found = this.buckets.map((bucket) => bucket.get(read32(key as Uint8Array))).find((v) => v !== undefined);
        if (found === undefined) return -ENOENT;
        (value as Uint8Array).set(u32(found));
        return 0;
      },
      bpf_map_delete_elem: (_fd, key) => {
        for (const bucket of this.buckets) bucket.delete(read32(key as Uint8Array));
        return 0;
      },
    } as Partial<Libbpf> as Libbpf;
  }
}

const bucketed = fc.uniqueArray(fc.nat(500), { maxLength: 80 }).map((keys) => {
  const buckets = Array.from({ length: 8 }, () => new Map<number, number>());
  for (const key of keys) buckets[key % 8]!.set(key, key * 3);
  return new FabricatedMap(buckets);
});
const collect = () => {
  const seen = new Map<number, number>();
  let visits = 0;
  const visit: EntryVisitor = (key, value) => {
    visits++;
    seen.set(key.u32[key.at >> 2]!, value.u32[value.at >> 2]!);
  };
  return { seen, visit, visits: () => visits };
};

test("batches visit every entry once, however small the first buffer", async (t) => {
  await fc.assert(
    fc.asyncProperty(bucketed, fc.integer({ min: 1, max: 100 }), fc.boolean(), async (fabricated, capacity, remove) => {
      const expected = new Map(fabricated.buckets.flatMap((bucket) => [...bucket]));
      const { seen, visit, visits } = collect();
      const buffer = new BatchBuffer(fabricated.map, capacity);
      const result = await scanByBatch(fabricated.libbpf, fabricated.map, buffer, visit, { remove });
      t.deepEqual([...seen].sort(), [...expected].sort());
      t.is(visits(), expected.size);
      t.is(result.visited, expected.size);
      t.is(
        fabricated.buckets.reduce((sum, bucket) => sum + bucket.size, 0),
        remove ? 0 : expected.size,
      );
    }),
  );
});

test("a walk visits every entry once, and takes them out when asked", async (t) => {
  await fc.assert(
    fc.asyncProperty(bucketed, fc.boolean(), async (fabricated, remove) => {
      const expected = new Map(fabricated.buckets.flatMap((bucket) => [...bucket]));
      const { seen, visit } = collect();
      t.is(await scanByWalk(fabricated.libbpf, fabricated.map, visit, { remove }), expected.size);
      t.deepEqual([...seen].sort(), [...expected].sort());
      t.is(
        fabricated.buckets.reduce((sum, bucket) => sum + bucket.size, 0),
        remove ? 0 : expected.size,
      );
    }),
  );
});

test("a map without batches is told apart from one that failed midway", async (t) => {
  const { map } = new FabricatedMap([]);
  const failing = (after: number): Libbpf => {
    let calls = 0;
    const call: Libbpf["bpf_map_lookup_batch"] = (_fd, _from, _to, _keys, _values, count) => {
      count[0] = 1;
      return calls++ < after ? 0 : -EINVAL;
    };
    return { bpf_map_lookup_batch: call } as Partial<Libbpf> as Libbpf;
  };
  const errorOf = async (libbpf: Libbpf) =>
    t.throwsAsync<ScanError>(() => scanByBatch(libbpf, map, new BatchBuffer(map), () => {}, {}), {
      instanceOf: ScanError,
    });
  t.true((await errorOf(failing(0)))?.unsupported);
  t.false((await errorOf(failing(1)))?.unsupported);
});

test("a bucket larger than the whole map is an error, not an endless loop", async (t) => {
  const { map } = new FabricatedMap([]);
  const full = { bpf_map_lookup_batch: () => -ENOSPC } as Partial<Libbpf> as Libbpf;
  await t.throwsAsync(() => scanByBatch(full, map, new BatchBuffer(map), () => {}, {}), { instanceOf: ScanError });
});

test("a long scan lets the event loop run between slices", async (t) => {
  const fabricated = new FabricatedMap([new Map(Array.from({ length: 900 }, (_, key) => [key, key]))]);
  let turns = 0;
  const count = () => void (turns++, (immediate = setImmediate(count)));
  let immediate = setImmediate(count);
  const buffer = new BatchBuffer(fabricated.map);
  await scanByBatch(fabricated.libbpf, fabricated.map, buffer, () => {}, { sliceMs: 0 });
  clearImmediate(immediate);
  t.true(turns >= 3);
});
