// SPDX-License-Identifier: MIT

import test from "ava";
import { createAgent, type Relief } from "../../../src/index.js";
import { excessOf, ReliefPlan } from "../../../src/agent/relief.js";
import { FakeBackend } from "../support/fake-backend.js";
import { FakeClock } from "../support/fake-clock.js";
import { direct, layouts, record, summing, testPlugin } from "../support/plugins.js";

const much = { cpuCores: 2, memoryBytes: 0 };
const little = { cpuCores: 0.1, memoryBytes: 0 };

test("too much use first reduces, then stops plugins, then ends; each only when it lasts", (t) => {
  const plan = new ReliefPlan({ cpuCores: 1 });
  const done: (Relief | undefined)[] = [];
  for (let look = 0; look < 10; look++) done.push(plan.look(much, look < 6 ? 1 : 0));
  t.deepEqual(done, [
    undefined,
    { action: "reduce", share: 0.5 },
    undefined,
    { action: "reduce", share: 0.1 },
    undefined,
    { action: "stop" },
    undefined,
    { action: "exit" },
    undefined,
    { action: "exit" },
  ]);
});

test("a burst does nothing, and after a minute with room what was reduced is restored", (t) => {
  const plan = new ReliefPlan({ cpuCores: 1 });
  for (let look = 0; look < 51; look++) t.is(plan.look(look % 2 ? much : little, 1), undefined);
  plan.look(much, 1);
  t.deepEqual(plan.look(much, 1), { action: "reduce", share: 0.5 });
  const calm = Array.from({ length: 20 }, () => plan.look(little, 1));
  t.deepEqual(calm.slice(0, 19), Array(19).fill(undefined));
  t.deepEqual(calm[19], { action: "restore", share: 1 });
  t.is(plan.look(little, 1), undefined);
});

test("what is exceeded is told, in numbers", (t) => {
  t.is(excessOf({ cpuCores: 1 }, little), undefined);
  t.is(excessOf({}, much), undefined);
  t.regex(excessOf({ cpuCores: 1.5 }, much) ?? "", /2\.00 of 1\.5 cores/);
  t.regex(excessOf({ memoryBytes: 2 ** 20 }, { cpuCores: 0, memoryBytes: 3 * 2 ** 20 }) ?? "", /3\.0 MiB of 1\.0 MiB/);
});

test("an agent that uses too much stops its busiest plugin first, flushed, and then itself", async (t) => {
  const backend = new FakeBackend({ busy: { layouts }, idle: { layouts } });
  const clock = new FakeClock();
  const agent = createAgent({
    ...{ backend, clock, plugins: [testPlugin("idle", direct), testPlugin("busy", summing)] },
    ...{ hostname: "bee", interval: 3_600_000, env: {}, resources: { memoryBytes: 1 } },
  });
  const reliefs: Relief[] = [];
  let points = 0;
  agent.on("relief", (relief) => reliefs.push(relief)).on("point", () => points++);
  await agent.start();
  backend.session("busy").rings.get("records")!.push(record(1), record(2));
  for (let looks = 0; looks < 12 && agent.status().state === "running"; looks++) await clock.advance(3000);
  t.deepEqual(reliefs, [
    { action: "reduce", share: 0.5 },
    { action: "reduce", share: 0.1 },
    { action: "stop", plugin: "busy" },
    { action: "stop", plugin: "idle" },
    { action: "exit" },
  ]);
  const busy = agent.status().plugins.find(({ name }) => name === "busy")!;
  t.is(busy.state, "stopped");
  t.regex(busy.reasons.join(), /stopped to use less: memory/);
  const { emitted, aggregated, dropped, pending, observed } = busy.counters;
  t.is(pending, 0);
  t.is(emitted + aggregated + (dropped["sampled"] ?? 0), observed);
  t.is(points, emitted);
  await clock.advance(20_000);
  t.is(agent.status().state, "stopped");
});

test("what is sampled away is counted as dropped, and the account closes", async (t) => {
  const backend = new FakeBackend({ direct: { layouts } });
  const clock = new FakeClock();
  const agent = createAgent({
    ...{ backend, clock, plugins: [testPlugin("direct", direct)], sampling: { rate: 0.000001 } },
    ...{ hostname: "bee", interval: 1000, env: {} },
  });
  await agent.start();
  backend
    .session("direct")
    .rings.get("records")!
    .push(...Array.from({ length: 50 }, (_, value) => record(value)));
  await clock.advance(1000);
  const { counters } = agent.status().plugins[0]!;
  t.like(counters, { observed: 50, emitted: 0, pending: 0, dropped: { sampled: 50 } });
  const stopped = agent.stop();
  await clock.advance(20_000);
  await stopped;
});
