// SPDX-License-Identifier: MIT
/**
 * Tens of thousands of live connections read in one flush, under a server that stays busy: how long the event loop is
 * held at a time (bound: 20 ms), and the resident memory of the whole agent (bound: 110 MB, not growing).
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/netflow-connections.ts [connections] [minutes]
 * Ten minutes by default. Needs Debian's nginx-light and wrk, and the traffic program (npm run setup).
 */
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AgentProcess, exited, makeCgroup, median, spawnIn } from "./support/children.js";
import { Nginx } from "./support/nginx.js";

const HOLD_MS = 20;
const RSS_MB = 110;
/** Growth of the second half's median over the first's that is taken for noise. */
const GROWTH_MB = 3;
const wanted = Number(process.argv[2] ?? 50_000);
const minutes = Number(process.argv[3] ?? 10);
const flushEveryMs = 10_000;
/** Both ends are in one process: within the usual limit of 20,000 descriptors, and of 28,000 client ports. */
const perProcess = 9_000;

interface Flush {
  readonly tookMs: number;
  readonly longestHoldMs: number;
}
interface Report {
  readonly rssMb: number;
  readonly cpuMs: number;
  readonly plugins: readonly {
    readonly name: string;
    readonly counters: { readonly observed: number; readonly dropped: object };
  }[];
}

const cgroup = makeCgroup("skep-bench");
const traffic = fileURLToPath(new URL("../packages/testkit/dist/traffic", import.meta.url));
const agent = new AgentProcess(cgroup.path, 3_600_000);
const nginx = new Nginx(cgroup.path, 18082);
const holders: ReturnType<typeof spawnIn>[] = [];
const holds: number[] = [];
const sizes: number[] = [];
let wrk;
try {
  // The agent first, so that it sees them open.
  await agent.tell("on");
  for (let opened = 0; opened < wanted; opened += perProcess) {
    const count = Math.min(perProcess, wanted - opened);
    holders.push(spawnIn(cgroup.path, traffic, ["--deadline-s", "3600", "hold", String(count)]));
  }
  for (const holder of holders) {
    let holding = false;
    for await (const line of createInterface({ input: holder.stdout! }))
      if ((holding = line.includes('"holding"'))) break;
    if (!holding) throw new Error("a process could not open its connections");
  }
  console.log(`${wanted} connections are open: ${2 * wanted} sockets`);
  const first = await agent.tell<Flush>("flush");
  const net = (await agent.tell<Report>("report")).plugins.find(({ name }) => name === "ebpf-net")!;
  console.log(
    `first flush: ${first.tookMs.toFixed(0)} ms, event loop held ${first.longestHoldMs.toFixed(1)} ms at most`,
  );
  if (net.counters.observed < 2 * wanted) throw new Error(`only ${net.counters.observed} sockets were read`);
  holds.push(first.longestHoldMs);

  wrk = nginx.load(cgroup.path, minutes * 60);
  const end = performance.now() + minutes * 60_000;
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, flushEveryMs));
    const flush = await agent.tell<Flush>("flush");
    const { rssMb } = await agent.tell<Report>("report");
    holds.push(flush.longestHoldMs);
    sizes.push(rssMb);
    console.log(
      `flush ${flush.tookMs.toFixed(0)} ms, held ${flush.longestHoldMs.toFixed(1)} ms at most, resident ${rssMb.toFixed(1)} MB`,
    );
  }
} finally {
  wrk?.kill();
  for (const holder of holders) holder.kill("SIGKILL");
  await Promise.all([...holders, ...(wrk ? [wrk] : [])].map(exited));
  await nginx.stop();
  await agent.end();
  cgroup.remove();
}

const half = sizes.length >> 1;
const growth = median(sizes.slice(half)) - median(sizes.slice(0, half));
const longest = Math.max(...holds);
const resident = Math.max(...sizes);
console.log(`event loop held ${longest.toFixed(1)} ms at most over ${holds.length} flushes, bound ${HOLD_MS}`);
console.log(
  `resident ${resident.toFixed(1)} MB at most, bound ${RSS_MB}; second half ${growth.toFixed(1)} MB over the first, bound ${GROWTH_MB}`,
);
process.exitCode = longest <= HOLD_MS && resident <= RSS_MB && growth <= GROWTH_MB ? 0 : 1;
