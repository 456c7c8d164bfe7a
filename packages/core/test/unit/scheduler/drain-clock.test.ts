// SPDX-License-Identifier: MIT

import test from "ava";
import { DrainClock } from "../../../src/scheduler/drain-clock.js";
import type { RecordHandler } from "../../../src/index.js";
import { FakeRing } from "../support/fake-backend.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { record } from "../support/plugins.js";

function setUp(handle: RecordHandler = () => {}, ...rings: FakeRing[]) {
  const clock = new FakeClock();
  const failures: unknown[] = [];
  const drain = new DrainClock(clock);
  const remove = rings.map((ring) => drain.add({ ring, handle, failed: (error) => failures.push(error) }));
  drain.start();
  return { clock, drain, failures, remove };
}

test("an empty ring is asleep on its wake-up: no timer runs", async (t) => {
  const ring = new FakeRing("a");
  const { clock } = setUp(undefined, ring);
  await settle();
  t.true(ring.waiting);
  t.deepEqual(clock.timers, []);
  const { drains } = ring;
  await clock.advance(10_000);
  t.is(ring.drains, drains);
});

test("after a wake-up no wake-up is listened to while records come, and an empty drain goes back to sleep", async (t) => {
  const ring = new FakeRing("a");
  const seen: number[] = [];
  const { clock } = setUp((cursor) => seen.push(cursor.u32[0]!), ring);
  await settle();
  const { waits } = ring;
  for (let i = 0; i < 10; i++) {
    ring.push(record(i));
    await clock.advance(clock.timers[0] ?? 0);
    t.false(ring.waiting);
  }
  t.is(ring.waits, waits);
  t.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await clock.advance(20);
  t.true(ring.waiting);
  t.deepEqual(clock.timers, []);
});

test("the time between drains grows from 5 to 20 ms while a ring fills slowly, and is 5 ms while it fills fast", async (t) => {
  const ring = new FakeRing("a");
  const { clock } = setUp(undefined, ring);
  await settle();
  const gaps: number[] = [];
  for (let i = 0; i < 5; i++) {
    ring.push(record(i));
    await clock.advance(clock.timers[0] ?? 0);
    gaps.push(clock.timers[0]!);
  }
  t.deepEqual(gaps.slice(0, 4), [7.5, 11.25, 16.875, 20]);
  ring.push(...Array.from({ length: 1000 }, () => record(0)));
  await clock.advance(clock.timers[0]!);
  t.deepEqual(clock.timers, [5]);
});

test("a burst is drained in slices of 5 ms with turns of the event loop in between, fairly for all rings", async (t) => {
  const [big, small] = [new FakeRing("big"), new FakeRing("small")];
  const busy = (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end;);
  };
  const seen = { big: 0, small: 0 };
  const clock = new FakeClock();
  const drain = new DrainClock(clock);
  const failed = () => {};
  drain.add({ ring: big, handle: () => (seen.big++, busy(1)), failed });
  drain.add({ ring: small, handle: () => seen.small++, failed });
  drain.start();
  await settle();
  big.push(...Array.from({ length: 40 }, () => record(0)));
  small.push(record(0));
  const perTurn: number[] = [];
  while (big.records.length > 0) {
    const before = seen.big;
    await new Promise<void>((resolve) => setImmediate(resolve));
    perTurn.push(seen.big - before);
    if (perTurn.length === 4) t.is(seen.small, 1, "the small ring starved behind the big one");
  }
  t.true(Math.max(...perTurn) <= 6, `records of 1 ms drained per turn: ${perTurn.join()}`);
});

test("a record that is reserved but not committed does not make the clock spin", async (t) => {
  const ring = new FakeRing("a");
  ring.drain = () => (ring.drains++, 0);
  ring.records.push(record(1));
  const { clock, drain } = setUp(undefined, ring);
  await clock.advance(100);
  t.true(ring.drains <= 21, `${ring.drains} drains in 100 ms`);
  t.false(ring.waiting);
  drain.stop();
});

test("a ring that fails is read no more and the others are", async (t) => {
  const [bad, good] = [new FakeRing("bad"), new FakeRing("good")];
  bad.drain = () => {
    throw new Error("unmapped");
  };
  let seen = 0;
  const { clock, failures } = setUp(() => seen++, bad, good);
  await settle();
  good.push(record(1));
  await clock.advance(50);
  t.is(seen, 1);
  t.is(failures.length, 1);
});

test("an urgent ring is read at its wake-up while the others wait for the timer", async (t) => {
  const [calm, urgent] = [new FakeRing("calm"), new FakeRing("urgent")];
  const clock = new FakeClock();
  const drain = new DrainClock(clock);
  const seen: string[] = [];
  const failed = () => {};
  drain.add({ ring: calm, handle: () => seen.push("calm"), failed });
  drain.add({ ring: urgent, handle: () => seen.push("urgent"), urgent: true, failed });
  drain.start();
  await settle();
  calm.push(record(1));
  await settle();
  t.deepEqual(seen, ["calm"]);
  for (let i = 0; i < 3; i++) {
    calm.push(record(2));
    urgent.push(record(3));
    await settle();
  }
  t.deepEqual(seen, ["calm", "urgent", "urgent", "urgent"]);
  await clock.advance(clock.timers[0]!);
  t.deepEqual(seen.slice(4), ["calm", "calm", "calm"]);
  drain.stop();
  t.false(urgent.waiting);
});

test("a ring that was removed is neither read nor waited for", async (t) => {
  const ring = new FakeRing("a");
  const { clock, remove } = setUp(undefined, ring);
  await settle();
  remove[0]!();
  t.false(ring.waiting);
  const { drains } = ring;
  ring.push(record(1));
  await clock.advance(100);
  t.is(ring.drains, drains);
});

test("drainAll waits for a record that is being written", async (t) => {
  const ring = new FakeRing("a");
  const clock = new FakeClock();
  const drain = new DrainClock(clock);
  const seen: number[] = [];
  drain.add({ ring, handle: (cursor) => void seen.push(cursor.bytes[cursor.at]!), failed: () => {} });
  ring.isBusy = true;
  ring.push(record(1), record(2));
  let isOver = false;
  const over = drain.drainAll(performance.now() + 5000).then(() => (isOver = true));
  for (let ms = 0; ms < 5; ms++) await clock.advance(1);
  t.false(isOver);
  ring.isBusy = false;
  await clock.advance(1);
  await over;
  t.deepEqual(seen, [1, 2]);
});

test("drainAll empties every ring, or gives up at the deadline", async (t) => {
  const ring = new FakeRing("a");
  const clock = new FakeClock();
  const drain = new DrainClock(clock);
  let seen = 0;
  drain.add({ ring, handle: () => seen++, failed: () => {} });
  ring.push(...Array.from({ length: 5000 }, () => record(0)));
  await drain.drainAll(performance.now() + 5000);
  t.is(seen, 5000);
  ring.push(...Array.from({ length: 5000 }, () => record(0)));
  await drain.drainAll(performance.now());
  t.true(ring.records.length > 0);
});
