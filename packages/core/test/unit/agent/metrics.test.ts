// SPDX-License-Identifier: MIT

import test from "ava";
import { createAgent, SkepError, type AgentMetrics, type Backend, type Exporter } from "../../../src/index.js";
import { FakeBackend } from "../support/fake-backend.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { layouts, record, summing, testPlugin } from "../support/plugins.js";

const plugin = testPlugin("summing", summing);

function agentOn(backend: Backend, exporters: readonly Exporter[] = [], programStats = false) {
  const clock = new FakeClock();
  const agent = createAgent({
    ...{ backend, plugins: [plugin], clock, exporters, programStats },
    ...{ hostname: "bee", interval: 1000, env: {} },
  });
  const stop = async () => {
    const stopped = agent.stop();
    await clock.advance(20_000);
    await stopped;
  };
  return { agent, clock, stop };
}

test("an agent counts its drains and flushes, and how full its rings were", async (t) => {
  const backend = new FakeBackend({ summing: { layouts } });
  const { agent, clock, stop } = agentOn(backend);
  await agent.start();
  const ring = backend.session("summing").rings.get("records")!;
  for (let value = 0; value < 10; value++) ring.push(record(value));
  await clock.advance(2500);
  const { plugins, drain, flush, process } = agent.metrics();
  t.is(flush.count, 2);
  t.true(flush.totalMs >= flush.longestMs && flush.longestMs >= flush.lastMs - 1e-9);
  t.true(drain.count >= 1 && drain.count <= 10, "a turn, or more on a busy machine");
  t.like(plugins[0], { name: "summing", counters: { observed: 10, emitted: 1, aggregated: 9 }, flush: { count: 2 } });
  const [use] = plugins[0]!.rings;
  t.like(use, { map: "records", records: 10, pending: 0 });
  t.true(use!.peak > 0 && use!.peak <= 1);
  t.true(process.rss > 1e6 && process.cpuSeconds > 0);
  await stop();
  t.deepEqual(agent.metrics().plugins[0]?.rings, []);
});

test("the lag of an exporter is the age of what it has not got rid of", async (t) => {
  let take: (() => void) | undefined;
  const slow: Exporter = { name: "slow", export: () => new Promise((resolve) => (take = resolve)) };
  const backend = new FakeBackend({ summing: { layouts } });
  const { agent, clock, stop } = agentOn(backend, [slow]);
  await agent.start();
  backend.session("summing").rings.get("records")!.push(record(1));
  await clock.advance(1000);
  await clock.advance(700);
  const lag = () => Math.round(agent.metrics().exporters[0]!.lagMs);
  t.is(lag(), 700);
  take?.();
  await settle();
  await clock.advance(100);
  t.is(lag(), 700);
  await stop();
});

test("an exporter that tells of the agent is given its metrics", async (t) => {
  let read: (() => AgentMetrics) | undefined;
  const telling: Exporter = { name: "telling", export() {}, observeAgent: (metrics) => (read = metrics) };
  const { agent, stop } = agentOn(new FakeBackend({ summing: { layouts } }), [telling]);
  await agent.start();
  t.is(read?.().plugins[0]?.name, "summing");
  await stop();
});

test("statistics of programs are on while the agent runs, if asked for, and their want is no reason not to run", async (t) => {
  let [on, asked] = [0, 0];
  const backend = new FakeBackend({ summing: { layouts } });
  const counting = Object.assign(backend, {
    enableStats: () => {
      asked++;
      on++;
      return { close: () => void on-- };
    },
  });
  const without = agentOn(counting);
  await without.agent.start();
  await without.stop();
  t.is(asked, 0);
  const asking = agentOn(counting, [], true);
  await asking.agent.start();
  t.is(on, 1);
  await asking.stop();
  t.is(on, 0);

  const refusing = Object.assign(new FakeBackend({ summing: { layouts } }), {
    enableStats: () => {
      throw new SkepError("SKEP_ERR_PERMISSION", "no");
    },
  });
  const refused = agentOn(refusing, [], true);
  const errors: SkepError[] = [];
  refused.agent.on("error", (error) => errors.push(error));
  await refused.agent.start();
  t.is(refused.agent.status().state, "running");
  t.is(errors[0]?.code, "SKEP_ERR_PERMISSION");
  await refused.stop();
});
