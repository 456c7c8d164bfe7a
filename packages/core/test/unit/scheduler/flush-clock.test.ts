// SPDX-License-Identifier: MIT

import test from "ava";
import { FlushClock } from "../../../src/scheduler/flush-clock.js";
import { systemClock } from "../../../src/index.js";
import { FakeClock, settle } from "../support/fake-clock.js";

test("flushes come at whole multiples of the interval, however long each takes", async (t) => {
  const clock = new FakeClock();
  const at: number[] = [];
  const flushes = new FlushClock(clock, 1000, async () => {
    at.push(clock.now());
    await new Promise<void>((resolve) => clock.after(at.length === 2 ? 1500 : 300, resolve));
  });
  flushes.start();
  await clock.advance(5000);
  // The second one ends at 3500: the tick at 3000 is left out.
  t.deepEqual(at, [1000, 2000, 4000, 5000]);
});

test("a flush asked for meanwhile waits for the one under way", async (t) => {
  const clock = new FakeClock();
  let running = 0;
  let most = 0;
  let count = 0;
  const flushes = new FlushClock(clock, 1000, async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => clock.after(100, resolve));
    running--;
    count++;
  });
  flushes.start();
  await clock.advance(1050);
  const [first, second] = [flushes.now(), flushes.now()];
  await clock.advance(500);
  await Promise.all([first, second]);
  t.is(count, 3);
  t.is(most, 1);
});

test("stop waits for the flush under way, and none comes after it", async (t) => {
  const clock = new FakeClock();
  let flushed = 0;
  const flushes = new FlushClock(clock, 1000, async () => {
    await new Promise<void>((resolve) => clock.after(100, resolve));
    flushed++;
  });
  flushes.start();
  await clock.advance(1000);
  let stopped = false;
  const stopping = flushes.stop().then(() => (stopped = true));
  await settle();
  t.false(stopped);
  await clock.advance(100);
  await stopping;
  await clock.advance(10_000);
  t.is(flushed, 1);
});

test("a timer that fires a little early does not flush twice for one tick", async (t) => {
  const clock = new FakeClock();
  let flushed = 0;
  const early = new Proxy(clock, {
    get: (target, key) =>
      key === "after"
        ? (ms: number, fn: () => void) => target.after(ms - 0.4, fn)
        : (Reflect.get(target, key) as unknown),
  });
  new FlushClock(early, 1000, async () => void flushed++).start();
  await clock.advance(10_500);
  t.is(flushed, 10);
});

test("the system clock's unix time agrees with Date.now and has a finer grain", (t) => {
  const before = BigInt(Date.now()) * 1_000_000n;
  const now = systemClock.unixNs();
  const after = BigInt(Date.now()) * 1_000_000n;
  t.true(now >= before - 2_000_000n && now <= after + 3_000_000n);
  const readings = new Set(Array.from({ length: 50 }, () => systemClock.unixNs() % 1_000_000n));
  t.true(readings.size > 1);
});
