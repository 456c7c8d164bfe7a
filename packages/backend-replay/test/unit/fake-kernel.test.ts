// SPDX-License-Identifier: MIT
import { createAgent, type Cursor, type Point, SkepError } from "@skep/core";
import test from "ava";
import { fakeClock, fakeKernel, type FakeKernelOptions } from "../../src/index.js";
import { beat, beatBytes, collect, openRequest, toy, u32 } from "./toy.js";

const never = Number.POSITIVE_INFINITY;
const opened = (options?: FakeKernelOptions) => {
  const kernel = fakeKernel({ plugin: toy, ...options });
  return { kernel, open: () => kernel.open(openRequest()) };
};

test("records come out of a ring in the order they went in", async (t) => {
  const { kernel, open } = opened();
  const ring = (await open()).ring("beats");
  kernel.ring("beats").push(beatBytes(1));
  kernel.ring("beats").push(beatBytes(2, 7));
  t.is(ring.pending(), 2 * 16, "a record and its header");
  const { beats, handler } = collect();
  t.is(ring.drain(handler, never), 2);
  t.deepEqual(beats, [
    { count: 1, pid: 0 },
    { count: 2, pid: 7 },
  ]);
  t.is(ring.pending(), 0);
});

test("a record whose handler throws counts as consumed", async (t) => {
  const { kernel, open } = opened();
  const ring = (await open()).ring("beats");
  kernel.ring("beats").push(beatBytes(1));
  kernel.ring("beats").push(beatBytes(2));
  t.throws(() => ring.drain(() => { throw new Error("no"); }, never), { message: "no" }); // prettier-ignore
  const { beats, handler } = collect();
  ring.drain(handler, never);
  t.deepEqual(beats, [{ count: 2, pid: 0 }]);
});

test("drain stops at its deadline", async (t) => {
  const { kernel, open } = opened();
  const ring = (await open()).ring("beats");
  kernel.ring("beats").push(beatBytes(1));
  t.is(
    ring.drain(() => t.fail(), performance.now() - 1),
    0,
  );
  t.is(ring.pending(), 16);
});

test("a full ring loses records and skep_stats knows how many", async (t) => {
  const { kernel, open } = opened();
  kernel.ring("beats").size = 40;
  t.true(kernel.ring("beats").push(beatBytes(1)));
  t.true(kernel.ring("beats").push(beatBytes(2)));
  t.false(kernel.ring("beats").push(beatBytes(3)));
  const session = await open();
  const stats = session.map("skep_stats").lookup(u32(0))!;
  t.is(stats.length, 16, "a value for each of two CPUs");
  t.is(stats[0], 1);
});

test("a waiting reader is woken once, from outside the writer's stack", async (t) => {
  const { kernel, open } = opened();
  const ring = (await open()).ring("beats");
  let wakes = 0;
  ring.wait(() => wakes++);
  kernel.ring("beats").push(beatBytes(1));
  t.is(wakes, 0);
  await Promise.resolve();
  kernel.ring("beats").push(beatBytes(2));
  await Promise.resolve();
  t.is(wakes, 1);
  ring.wait(() => wakes++);
  await Promise.resolve();
  t.is(wakes, 2, "woken at once while records wait");
  ring.wait(() => wakes++);
  ring.cancelWait();
  await Promise.resolve();
  t.is(wakes, 2);
});

test("a cursor that is kept throws, and an array taken from it is empty", async (t) => {
  const { kernel, open } = opened();
  const ring = (await open()).ring("beats");
  kernel.ring("beats").push(beatBytes(5));
  let kept: Cursor | undefined;
  let bytes: Uint8Array | undefined;
  ring.drain((record) => {
    t.not(record.at, 0, "who forgets `at` reads rubbish");
    t.is(beat.count(record), 5);
    kept = record;
    bytes = record.bytes.subarray(record.at, record.at + record.length);
  }, never);
  t.throws(() => beat.count(kept!), { instanceOf: SkepError, code: "SKEP_ERR_CLOSED" });
  t.throws(() => kept!.bytes, { message: /used after its handler returned/ });
  t.is(bytes!.length, 0);
});

test("a hash map refuses what is too much, an LRU map forgets the entry used longest ago", async (t) => {
  const define = (name: string, type: string) => ({ name, type, keySize: 4, valueSize: 4, maxEntries: 2 });
  const { open } = opened({ maps: [define("strict", "hash"), define("lenient", "lru_hash")] });
  const session = await open();
  for (const name of ["strict", "lenient"]) {
    session.map(name).update(u32(1), u32(10));
    session.map(name).update(u32(2), u32(20));
    session.map(name).update(u32(1), u32(11));
    session.map(name).lookup(u32(1));
  }
  t.throws(() => session.map("strict").update(u32(3), u32(30)), { code: "SKEP_ERR_MAP" });
  session.map("lenient").update(u32(3), u32(30));
  t.deepEqual(session.map("lenient").lookup(u32(1)), u32(11));
  t.is(session.map("lenient").lookup(u32(2)), undefined);
});

test("keys and values of the wrong length are refused", async (t) => {
  const { open } = opened({ maps: [{ name: "m", type: "hash", keySize: 4, valueSize: 8, maxEntries: 2 }] });
  const map = (await open()).map("m");
  t.throws(() => map.lookup(beatBytes(1)), { code: "SKEP_ERR_MAP", message: /a key has 4 bytes, not 8/ });
  t.throws(() => map.update(u32(1), u32(1)), { code: "SKEP_ERR_MAP", message: /a value has 8 bytes, not 4/ });
});

test("an array is full of zeros, has a bound, and nothing can be deleted from it", async (t) => {
  const { open } = opened({ maps: [{ name: "a", type: "percpu_array", keySize: 4, valueSize: 4, maxEntries: 2 }] });
  const map = (await open()).map("a");
  t.deepEqual(map.lookup(u32(1)), new Uint8Array(16), "4 bytes rounded up to 8, for two CPUs");
  t.is(map.lookup(u32(2)), undefined);
  t.throws(() => map.update(u32(2), new Uint8Array(16)), { code: "SKEP_ERR_MAP" });
  t.throws(() => map.delete(u32(0)), { code: "SKEP_ERR_MAP" });
  t.is(await map.scan(() => {}), 2);
});

test("a scan that removes leaves the map empty, one that does not leaves it as it is", async (t) => {
  const { kernel, open } = opened();
  kernel.map("flows").update(u32(1), u32(10));
  kernel.map("flows").update(u32(2), u32(20));
  const map = (await open()).map("flows");
  const seen: [number, number][] = [];
  const visit = (key: Cursor, value: Cursor) => void seen.push([beat.count(key), beat.count(value)]);
  t.is(await map.scan(visit), 2);
  t.is(await map.scan(visit, { remove: true }), 2);
  t.is(await map.scan(visit), 0);
  t.deepEqual(seen, [
    [1, 10],
    [2, 20],
    [1, 10],
    [2, 20],
  ]);
  t.false(map.delete(u32(1)));
});

test("an iterator gives what was said for the next read, then what was said for all", async (t) => {
  const { kernel } = opened();
  kernel.script({ fentry: false });
  const session = await kernel.open(openRequest());
  kernel
    .iterator("hearts")
    .returns([beatBytes(9)])
    .returnsOnce([])
    .returnsOnce([beatBytes(1), beatBytes(2)]);
  const iterator = session.iterator("hearts");
  const { beats, handler } = collect();
  t.is(await iterator.read(8, handler), 0);
  t.is(await iterator.read(8, handler), 2);
  t.is(await iterator.read(8, handler), 1);
  t.deepEqual(beats.map(({ count }) => count), [1, 2, 9]); // prettier-ignore
  await t.throwsAsync(iterator.read(12, handler), { code: "SKEP_ERR_ITERATOR" });
  kernel.iterator("hearts").returnsOnce(new Error("gone"));
  await t.throwsAsync(iterator.read(8, handler), { message: "gone" });
});

test("an iterator for one process says what was said for that process", async (t) => {
  const { kernel } = opened({ verdicts: { fentry: false } });
  const session = await kernel.open(openRequest());
  kernel.iterator("hearts").returns([beatBytes(1)]);
  kernel.iteratorFor("hearts", 42).returns([beatBytes(42), beatBytes(43)]);
  t.is(await session.iterator("hearts", { pid: 42 }).read(8, () => {}), 2);
  t.is(await session.iterator("hearts", { pid: 43 }).read(8, () => {}), 1);
});

test("scripted verdicts decide the strategy and the probe's answer", async (t) => {
  const { kernel } = opened({ verdicts: { fentry: "no BTF for modules" } });
  const session = await kernel.open(openRequest());
  t.deepEqual(session.strategies["beats"], {
    name: "tp_btf",
    limits: "sees no stillness",
    refused: [{ name: "fentry", reason: "no BTF for modules" }],
  });
  t.true(session.hasProgram("on_beat_tp"));
  t.false(session.hasProgram("on_beat"));
  t.deepEqual(await kernel.probe({ kind: "fentry", fn: "tcp_close" }), {
    supported: false,
    reason: "no BTF for modules",
  });
  t.deepEqual(await kernel.probe("map:ringbuf"), { supported: true });
  kernel.script({ on_beat_tp: false });
  await t.throwsAsync(kernel.open(openRequest()), { code: "SKEP_ERR_PROBES", message: /on_beat_tp/ });
  const optional = { beats: { ...toy.probes["beats"]!, optional: true } };
  const without = await kernel.open(openRequest({ probes: optional }));
  t.is(without.strategies["beats"]!.name, undefined);
});

test("a forced strategy is used, or refused by name", async (t) => {
  const { kernel } = opened();
  const session = await kernel.open(openRequest({ force: { beats: "tp_btf" } }));
  t.is(session.strategies["beats"]!.name, "tp_btf");
  await t.throwsAsync(kernel.open(openRequest({ force: { beats: "magic" } })), {
    code: "SKEP_ERR_PROBES",
    message: /magic: there is no such strategy/,
  });
});

test("attaching is all or nothing, and everything is detached at close", async (t) => {
  const { kernel } = opened({ verdicts: { fentry: false } });
  const session = await kernel.open(openRequest());
  kernel.failAttach("on_beat_tp", "EBUSY");
  await t.throwsAsync(session.attach(), { code: "SKEP_ERR_ATTACH", message: /EBUSY/ });
  t.deepEqual(kernel.links, []);
  kernel.failAttach("on_beat_tp", undefined);
  await session.attach();
  t.deepEqual(kernel.links, [{ program: "on_beat_tp", where: { kind: "tp_btf", event: "beat" } }], "iterators wait");
  const link = session.attachTo("on_beat_tp", { kind: "tp_btf", event: "other" });
  t.is(kernel.links.length, 2);
  link.close();
  link.close();
  t.is(kernel.links.length, 1);
  await session.close();
  t.deepEqual(kernel.links, []);
});

test("handles of a closed session throw", async (t) => {
  const { open } = opened();
  const session = await open();
  const map = session.map("m");
  const ring = session.ring("beats");
  await session.close();
  await session.close();
  const closed = { code: "SKEP_ERR_CLOSED" } as const;
  t.throws(() => map.lookup(u32(1)), closed);
  t.throws(() => ring.drain(() => {}, never), closed);
  t.throws(() => session.map("m"), closed);
});

test("an agent runs a plugin on it: records, iterators and losses become points and counters", async (t) => {
  const clock = fakeClock();
  const { kernel } = opened({ verdicts: { fentry: false } });
  const agent = createAgent({ backend: kernel, plugins: [toy], interval: 1000, clock });
  const points: Point[] = [];
  agent.on("point", (point) => points.push(point));
  await agent.start();
  kernel.iterator("hearts").returns([beatBytes(1), beatBytes(2)]);
  kernel.ring("beats").push(beatBytes(3));
  kernel.ring("beats").push(beatBytes(4));
  kernel.lose("ring_full", 5);
  await clock.advance(1000);
  t.deepEqual(points.map((point) => point.fields), [{ count: 7, live: 2 }]); // prettier-ignore
  t.is(points[0]!.time, clock.unixNs());
  await agent.stop();
  const { counters } = agent.status().plugins[0]!;
  t.is(counters.dropped["ring_full"], 5);
  t.is(counters.pending, 0);
  t.deepEqual(kernel.links, []);
});
