// SPDX-License-Identifier: MIT
/**
 * The agent of a benchmark, in a process of its own: `agent.mjs CGROUP INTERVAL_MS CONFIG [net|trace]`: which plugin it runs (by
 * default ebpf-net), and that plugin's configuration as JSON. Plain JavaScript over the built
 * packages, so that what it weighs is what an agent weighs. One command a line on stdin
 * (`on`, `off`, `flush`, `report`), one line of JSON on stdout when it is done.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent } from "@skep/core";
import { processes } from "@skep/plugin-process";

const [cgroup, interval, config, name = "net"] = process.argv.slice(2);
if (!cgroup || !interval || !config) throw new Error("usage: agent.mjs CGROUP INTERVAL_MS CONFIG [net|trace]");
const { default: plugin } = await import(`@skep/plugin-${name}`);

const backend = libbpfBackend();
const delay = monitorEventLoopDelay({ resolution: 1 });
let agent;
let points = 0;

const commands = {
  async on() {
    agent = createAgent({
      backend,
      plugins: [{ plugin, config: JSON.parse(config) }, processes],
      scope: { cgroups: [cgroup] },
      interval: Number(interval),
    });
    agent.on("point", () => points++);
    await agent.start();
    return {};
  },
  async off() {
    await agent?.stop();
    return {};
  },
  async flush() {
    delay.reset();
    delay.enable();
    const began = performance.now();
    await agent?.flush();
    const took = performance.now() - began;
    delay.disable();
    return { tookMs: took, longestHoldMs: delay.max / 1e6 };
  },
  async report() {
    const plugins = agent?.status().plugins.map(({ name, state, counters }) => ({ name, state, counters }));
    return {
      rssMb: process.memoryUsage().rss / 1e6,
      cpuMs: process.cpuUsage().user / 1e3 + process.cpuUsage().system / 1e3,
      points,
      plugins,
    };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = commands[line.trim()];
  if (!command) throw new Error(`unknown command ${line}`);
  console.log(JSON.stringify(await command()));
}
await agent?.stop();
