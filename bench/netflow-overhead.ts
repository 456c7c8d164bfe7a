// SPDX-License-Identifier: MIT
/**
 * What netflow costs a saturated server: requests per second of nginx under wrk (keep-alive, loopback) with netflow on,
 * relative to off. Rounds of both alternate; the ratio is that of the medians. Bound: 0.97.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/netflow-overhead.ts [rounds] [seconds]
 * Needs Debian's nginx-light and wrk, and the built packages.
 */
import { AgentProcess, makeCgroup, median } from "./support/children.js";
import { Nginx } from "./support/nginx.js";

const BOUND = 0.97;
const rounds = Number(process.argv[2] ?? 12);
const seconds = Number(process.argv[3] ?? 4);

/** Both ends are observed. */
const cgroup = makeCgroup("skep-bench");
const server = new Nginx(cgroup.path, 18080);
const agent = new AgentProcess(cgroup.path, 2000);

const off: number[] = [];
const on: number[] = [];
try {
  await server.warmUp(cgroup.path, seconds);
  for (let round = 0; round < rounds; round++) {
    const measure = async (observed: boolean): Promise<void> => {
      if (observed) await agent.tell("on");
      (observed ? on : off).push((await server.saturate(cgroup.path, seconds)).perSecond);
      if (observed) await agent.tell("off");
    };
    // Which goes first alternates too.
    await measure(round % 2 === 0);
    await measure(round % 2 === 1);
    console.log(`round ${round + 1}: off ${off.at(-1)!.toFixed(0)}, on ${on.at(-1)!.toFixed(0)} requests/s`);
  }
} finally {
  await agent.end();
  await server.stop();
  cgroup.remove();
}
const ratio = median(on) / median(off);
const pairs = median(on.map((value, round) => value / off[round]!));
console.log(
  `netflow on/off: ${ratio.toFixed(3)} of medians, ${pairs.toFixed(3)} median of pairs ` +
    `(off ${median(off).toFixed(0)}, on ${median(on).toFixed(0)} requests/s), bound ${BOUND}`,
);
process.exitCode = ratio >= BOUND ? 0 : 1;
