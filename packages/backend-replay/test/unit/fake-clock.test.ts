// SPDX-License-Identifier: MIT
import test from "ava";
import { fakeClock } from "../../src/index.js";

test("timers run in the order of their times, equal ones in the order they were set", async (t) => {
  const clock = fakeClock();
  const order: string[] = [];
  clock.after(20, () => order.push(`late ${clock.now()}`));
  clock.after(10, () => order.push(`first ${clock.now()}`));
  clock.after(10, () => order.push(`second ${clock.now()}`));
  await clock.advance(20);
  t.deepEqual(order, ["first 10", "second 10", "late 20"]);
});

test("a timer set by a timer runs in the same advance when it is due", async (t) => {
  const clock = fakeClock();
  const times: number[] = [];
  const again = () => {
    times.push(clock.now());
    clock.after(10, again);
  };
  clock.after(10, again);
  await clock.advance(35);
  t.deepEqual(times, [10, 20, 30]);
  t.is(clock.now(), 35);
  t.is(clock.pendingTimers, 1);
});

test("what a timer sets in motion comes to rest before the next timer runs", async (t) => {
  const clock = fakeClock();
  const order: string[] = [];
  clock.after(1, () => {
    clock.soon(() => {
      order.push("soon");
      void Promise.resolve().then(() => clock.soon(() => order.push("soon after a promise")));
    });
  });
  clock.after(2, () => order.push("next timer"));
  await clock.advance(5);
  t.deepEqual(order, ["soon", "soon after a promise", "next timer"]);
});

test("cancelled timers do not run", async (t) => {
  const clock = fakeClock();
  const timer = clock.after(1, () => t.fail());
  const soon = clock.soon(() => t.fail());
  timer.cancel();
  soon.cancel();
  soon.cancel();
  await clock.advance(10);
  t.is(clock.pendingTimers, 0);
});

test("monotonic and Unix time advance alike, so that the boot time stays", async (t) => {
  const clock = fakeClock({ monotonicNs: 5n, unixNs: 1_000_000_005n });
  const boot = clock.unixNs() - clock.monotonicNs();
  await clock.advance(1.5);
  t.is(clock.monotonicNs(), 1_500_005n);
  t.is(clock.unixNs() - clock.monotonicNs(), boot);
});

test("code that always asks for soon does not hold advance for ever", async (t) => {
  const clock = fakeClock();
  let turns = 0;
  let spinning = clock.soon(function spin() {
    turns++;
    spinning = clock.soon(spin);
  });
  await clock.advance(1);
  spinning.cancel();
  t.true(turns > 1000);
});
