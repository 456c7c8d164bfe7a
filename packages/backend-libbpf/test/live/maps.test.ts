// SPDX-License-Identifier: MIT

import { patience, spawnIn } from "@skep/testkit";
import anyTest, { type TestFn } from "ava";
import { readdirSync } from "node:fs";
import type { Backend, BpfMap, Session, SkepError } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { group, request } from "./support/request.js";

const test = anyTest as TestFn<{ backend: Backend; session: Session }>;
const bytes = await compile("maps");

test.beforeEach(async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(
    request({
      objects: { maps: bytes },
      probes: {
        walks: group({
          name: "iterators",
          programs: {
            walk_hash: { kind: "iter", target: "bpf_map_elem", map: "t_hash" },
            walk_tasks: { kind: "iter", target: "task" },
          },
        }),
      },
    }),
  );
  t.context = { backend, session };
});
test.afterEach.always(async (t) => t.context.backend?.close());

const key = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const value = (a: bigint, b: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(a, b).buffer);
const processors = readdirSync("/sys/devices/system/cpu").filter((name) => /^cpu\d+$/.test(name)).length;

/** Fills a map of u32 -> two u64 and gives what is in it. */
function fill(map: BpfMap, count: number): Map<number, string> {
  const truth = new Map<number, string>();
  for (let at = 0; at < count; at++) {
    const [a, b] = [BigInt(at) * 2n ** 40n, 2n ** 64n - 1n - BigInt(at)];
    map.update(key(at), value(a, b));
    truth.set(at, `${a}/${b}`);
  }
  return truth;
}
async function scanned(map: BpfMap, remove = false): Promise<Map<number, string>> {
  const seen = new Map<number, string>();
  const visited = await map.scan(
    (k, v) => {
      const words = new BigUint64Array(v.bytes.slice(v.at, v.at + v.length).buffer);
      seen.set(k.u32[k.at >> 2]!, `${words[0]}/${words[1]}`);
    },
    { remove },
  );
  if (visited !== seen.size) throw new Error(`${visited} visits of ${seen.size} keys`);
  return seen;
}

/** ava's own comparison takes minutes for maps of this size. */
const same = (seen: Map<number, string>, truth: Map<number, string>): boolean =>
  seen.size === truth.size && [...truth].every(([at, text]) => seen.get(at) === text);

test.serial("a map says what it is", (t) => {
  const { name, type, keySize, valueSize, maxEntries } = t.context.session.map("t_percpu_hash");
  t.deepEqual(
    { name, type, keySize, valueSize, maxEntries },
    {
      name: "t_percpu_hash",
      type: "percpu_hash",
      keySize: 4,
      valueSize: 16,
      maxEntries: 1000,
    },
  );
});

test.serial("what was put in is looked up, replaced and deleted", (t) => {
  const map = t.context.session.map("t_hash");
  t.is(map.lookup(key(1)), undefined);
  map.update(key(1), value(1n, 2n ** 64n - 1n));
  t.deepEqual(map.lookup(key(1)), value(1n, 2n ** 64n - 1n));
  map.update(key(1), value(3n, 4n));
  t.deepEqual(map.lookup(key(1)), value(3n, 4n));
  t.true(map.delete(key(1)));
  t.false(map.delete(key(1)));
});

for (const [name, count] of [
  ["t_hash", patience > 1 ? 20_000 : 100_000],
  ["t_lru", 1000],
] as const) {
  test.serial(
    `${name}: a scan of ${count} entries sees each once; removing leaves nothing, on every kernel`,
    async (t) => {
      const map = t.context.session.map(name);
      const truth = fill(map, count);
      t.true(same(await scanned(map), truth));
      t.true(same(await scanned(map, true), truth));
      t.deepEqual(await scanned(map), new Map());
    },
  );
}

test.serial("two scans at once do not disturb each other", async (t) => {
  const map = t.context.session.map("t_hash");
  const truth = fill(map, 30_000);
  const all = await Promise.all([scanned(map), scanned(map), scanned(map)]);
  for (const seen of all) t.true(same(seen, truth));
});

test.serial("an array is scanned whole, and nothing can be taken out of it", async (t) => {
  const map = t.context.session.map("t_array");
  const truth = fill(map, 300);
  t.true(same(await scanned(map), truth));
  const error = await t.throwsAsync<SkepError>(scanned(map, true));
  t.is(error?.code, "SKEP_ERR_MAP");
  t.regex(error?.message ?? "", /t_array \(array\): EINVAL/);
  t.true(same(await scanned(map), truth));
});

for (const name of ["t_percpu_hash", "t_percpu_array"]) {
  test.serial(`${name}: a value is that of every possible processor, one after another, on every kernel`, async (t) => {
    const map = t.context.session.map(name);
    const perCpu = new BigUint64Array(2 * processors).map((_, index) => BigInt(index) + 7n);
    t.throws(() => map.update(key(3), value(1n, 2n)), { message: new RegExp(`${16 * processors} bytes, not 16`) });
    map.update(key(3), new Uint8Array(perCpu.buffer));
    t.deepEqual(map.lookup(key(3)), new Uint8Array(perCpu.buffer));
    const found: string[] = [];
    await map.scan((k, v) => {
      if (k.u32[k.at >> 2] !== 3) return;
      found.push(new BigUint64Array(v.bytes.slice(v.at, v.at + v.length).buffer).join());
    });
    t.deepEqual(found, [perCpu.join()]);
  });
}

test.serial("keys and values of odd sizes and tries are scanned too, on every kernel", async (t) => {
  const odd = t.context.session.map("t_odd");
  const keys = Array.from({ length: 20 }, (_, at) => Uint8Array.of(1, 2, 3, 4, at));
  for (const each of keys) odd.update(each, Uint8Array.of(each[4]!, 8, 9));
  const seen: string[] = [];
  await odd.scan((k, v) => {
    seen.push([...k.bytes.subarray(k.at, k.at + k.length), ...v.bytes.subarray(v.at, v.at + v.length)].join());
  });
  t.deepEqual(seen.sort(), keys.map((each) => [...each, each[4], 8, 9].join()).sort());

  const trie = t.context.session.map("t_trie");
  for (let at = 0; at < 5; at++) trie.update(Uint8Array.of(32, 0, 0, 0, 10, 0, 0, at), new Uint8Array(8).fill(at));
  let visits = 0;
  t.is(await trie.scan(() => visits++), 5);
  t.is(visits, 5);
  t.is(await trie.scan(() => {}, { remove: true }), 5, "removed one by one: tries have no batch for it");
  t.is(await trie.scan(() => {}), 0);
});

test.serial("keys and values of the wrong length are refused before the kernel reads past them", (t) => {
  const map = t.context.session.map("t_hash");
  t.throws(() => map.lookup(new Uint8Array(3)), { message: /a key has 4 bytes, not 3/ });
  t.throws(() => map.update(key(1), new Uint8Array(15)), { message: /a value has 16 bytes, not 15/ });
  t.throws(() => map.delete(new Uint8Array(5)), { message: /a key has 4 bytes, not 5/ });
});

test.serial("an iterator over a map streams every entry, in chunks that cut records, on every kernel", async (t) => {
  const { session } = t.context;
  const truth = fill(session.map("t_hash"), 20_000);
  const iterator = session.iterator("walk_hash");
  for (let round = 0; round < 2; round++) {
    const seen = new Map<number, string>();
    const count = await iterator.read(24, ({ bytes, u32, at, length }) => {
      t.is(length, 24);
      const words = new BigUint64Array(bytes.slice(at + 8, at + 24).buffer);
      seen.set(u32[at >> 2]!, `${words[0]}/${words[1]}`);
    });
    t.is(count, 20_000);
    t.true(same(seen, truth));
  }
  iterator.close();
  iterator.close();
  const error = await t.throwsAsync<SkepError>(iterator.read(24, () => {}));
  t.is(error?.code, "SKEP_ERR_CLOSED");
});

test.serial("a stream that ends inside a record is an error, not a silent loss", async (t) => {
  const { session } = t.context;
  session.map("t_hash").update(key(1), value(1n, 1n));
  const error = await t.throwsAsync<SkepError>(session.iterator("walk_hash").read(16, () => {}));
  t.is(error?.code, "SKEP_ERR_ITERATOR");
  t.regex(error?.message ?? "", /walk_hash ended inside a record: 8 bytes are left, a record has 16/);
});

test.serial("the records of one read are handed over before anything else runs", async (t) => {
  const { session } = t.context;
  fill(session.map("t_hash"), 20_000);
  let turns = 0;
  let immediate = setImmediate(function again() {
    turns++;
    immediate = setImmediate(again);
  });
  const recordsPerTurn = new Map<number, number>();
  await session.iterator("walk_hash").read(
    24,
    () => {
      recordsPerTurn.set(turns, (recordsPerTurn.get(turns) ?? 0) + 1);
    },
    { sliceMs: 0 },
  );
  clearImmediate(immediate);
  // A read gives about 32 KiB: 1365 records, never torn apart by a turn of the event loop.
  t.true(recordsPerTurn.size > 5);
  for (const count of [...recordsPerTurn.values()].slice(0, -1)) t.true(count >= 1300, String(count));
});

test.serial(
  "a task iterator is held to one process where the kernel can, and walks all where it cannot, on every kernel",
  async (t) => {
    const { backend, session } = t.context;
    const child = spawnIn(t, {}, "sleep", ["600"]);
    const walk = async (target?: { pid: number }) => {
      const pids = new Set<number>();
      await session.iterator("walk_tasks", target).read(8, ({ u32, at }) => pids.add(u32[at >> 2]!));
      return pids;
    };
    const all = await walk();
    t.true(all.has(process.pid) && all.has(child.pid));
    const held = await walk({ pid: child.pid });
    // The enumeration came with the parameter, in Linux 6.1.
    const canHold = (await backend.probe("btf:bpf_iter_task_type")).supported;
    if (canHold) t.deepEqual([...held], [child.pid]);
    else t.true(held.has(process.pid) && held.has(child.pid));
  },
);

test.serial("asking for what is not there names what is", (t) => {
  const { session } = t.context;
  t.throws(() => session.map("flows"), { message: /no map flows; there are t_hash, t_lru/ });
  t.throws(() => session.ring("t_hash"), { message: /t_hash is a hash, not a ring buffer/ });
  t.throws(() => session.iterator("walk_files"), {
    message: /walk_files is not loaded; loaded are walk_hash, walk_tasks/,
  });
  t.false(session.hasMap("flows"));
  t.true(session.hasMap("t_lru"));
});

test.serial("a map that goes away during a scan ends it as closed", async (t) => {
  const { session } = t.context;
  fill(session.map("t_hash"), 50_000);
  const scan = session.map("t_hash").scan(() => {}, { sliceMs: 0 });
  await session.close();
  t.is((await t.throwsAsync<SkepError>(scan))?.code, "SKEP_ERR_CLOSED");
});
