// SPDX-License-Identifier: MIT
/**
 * What ebpf-trace costs a saturated server: requests per second of a server that answers "hello" under wrk (keep-alive, loopback) with
 * an agent that traces it, relative to nothing attached. Rounds alternate, the ratio is that of the medians. Bound: 0.85.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/trace-overhead.ts [nginx,go,node] [rounds] [seconds]
 * Needs Debian's nginx-light and wrk, Go, and the built packages.
 */
import { AgentProcess, makeCgroup, median } from "./support/children.js";
import { type Hello, startHello } from "./support/hello.js";

const BOUND = 0.85;
const names = (process.argv[2] ?? "nginx,go,node").split(",") as Hello["name"][];
const rounds = Number(process.argv[3] ?? 8);
const seconds = Number(process.argv[4] ?? 4);

interface Report {
  readonly points: number;
  readonly plugins: readonly { readonly name: string; readonly counters: object }[];
}

/** The server is traced; what loads it runs outside. */
const cgroup = makeCgroup("skep-bench");
const outside = makeCgroup("skep-bench-wrk");

async function ratioOf(name: Hello["name"]): Promise<number> {
  const agent = new AgentProcess(cgroup.path, 1000, { trace_all_process: true }, "trace");
  const server = await startHello(name, cgroup.path);
  const perSecond: Record<"on" | "off", number[]> = { on: [], off: [] };
  let counters: object = {};
  try {
    await server.saturate(outside.path, 1);
    for (let round = 0; round < rounds; round++) {
      // Which goes first alternates too.
      for (const kind of round % 2 ? (["on", "off"] as const) : (["off", "on"] as const)) {
        if (kind === "on") await agent.tell("on");
        perSecond[kind].push((await server.saturate(outside.path, seconds)).perSecond);
        if (kind === "off") continue;
        await agent.tell("flush");
        counters = (await agent.tell<Report>("report")).plugins.find(
          (plugin) => plugin.name === "ebpf-trace",
        )!.counters;
        await agent.tell("off");
      }
      console.log(`${name}, round ${round + 1}: ${perSecond.off.at(-1)} off, ${perSecond.on.at(-1)} on`);
    }
  } finally {
    await agent.end();
    await server.stop();
  }
  const ratio = median(perSecond.on) / median(perSecond.off);
  console.log(`${name}: ${ratio.toFixed(3)} of off (bound ${BOUND}); last round ${JSON.stringify(counters)}`);
  return ratio;
}

try {
  for (const name of names) if ((await ratioOf(name)) < BOUND) process.exitCode = 1;
} finally {
  cgroup.remove();
  outside.remove();
}
