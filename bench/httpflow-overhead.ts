// SPDX-License-Identifier: MIT
/**
 * What httpflow costs a saturated server: requests per second of nginx under wrk (keep-alive, loopback) observed by an agent
 * with httpflow, relative to nothing attached at all. Rounds alternate, a third kind has an agent without httpflow; the ratio
 * is that of the medians. Bound: 0.93, or 0.88 of https with httpflow-tls. Every exchange must come as one record of the
 * kernel, and none be lost.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/httpflow-overhead.ts [http|https] [rounds] [seconds]
 * Needs Debian's nginx-light and wrk, and the built packages.
 */
import { AgentProcess, makeCgroup, median } from "./support/children.js";
import { Nginx } from "./support/nginx.js";

const scheme = process.argv[2] === "https" ? "https" : "http";
const BOUND = { http: 0.93, https: 0.88 }[scheme];
const enabled = { http: ["httpflow"], https: ["httpflow", "httpflow-tls"] }[scheme];
const rounds = Number(process.argv[3] ?? 12);
const seconds = Number(process.argv[4] ?? 4);

/** The server is observed; what loads it runs outside. */
const cgroup = makeCgroup("skep-bench");
const outside = makeCgroup("skep-bench-wrk");
const server = new Nginx(cgroup.path, 18081, scheme);
const agents = {
  without: new AgentProcess(cgroup.path, 2000, { l7net_enabled: [] }),
  with: new AgentProcess(cgroup.path, 2000, { l7net_enabled: enabled }),
};

interface Report {
  readonly plugins: readonly {
    readonly name: string;
    readonly counters: { readonly observed: number; readonly dropped: Readonly<Record<string, number>> };
  }[];
}

const perSecond: Record<"nothing" | keyof typeof agents, number[]> = { nothing: [], without: [], with: [] };
let requests = 0;
let records = 0;
const dropped: Record<string, number> = {};

async function measure(kind: keyof typeof perSecond): Promise<void> {
  const agent = kind === "nothing" ? undefined : agents[kind];
  await agent?.tell("on");
  const done = await server.saturate(outside.path, seconds);
  perSecond[kind].push(done.perSecond);
  if (kind === "with") {
    await agents.with.tell("flush");
    const report = await agents.with.tell<Report>("report");
    const { counters } = report.plugins.find(({ name }) => name === "ebpf-net")!;
    requests += done.requests;
    records += counters.observed;
    for (const [reason, count] of Object.entries(counters.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  }
  await agent?.tell("off");
}

try {
  await server.warmUp(outside.path, seconds);
  const kinds = Object.keys(perSecond) as (keyof typeof perSecond)[];
  for (let round = 0; round < rounds; round++) {
    // Which goes first alternates too.
    for (let turn = 0; turn < kinds.length; turn++) await measure(kinds[(round + turn) % kinds.length]!);
    const latest = kinds.map((kind) => `${kind} ${perSecond[kind].at(-1)!.toFixed(0)}`);
    console.log(`round ${round + 1}: ${latest.join(", ")} requests/s`);
  }
} finally {
  for (const agent of Object.values(agents)) await agent.end();
  await server.stop();
  cgroup.remove();
  outside.remove();
}
const ratioTo = (kind: keyof typeof perSecond): string => (median(perSecond.with) / median(perSecond[kind])).toFixed(3);
// netflow counts its connections too, and wrk leaves the last request of each unanswered.
const recordsPerRequest = records / requests;
console.log(
  `httpflow over ${scheme}: ${ratioTo("nothing")} of nothing attached (bound ${BOUND}), ` +
    `${ratioTo("without")} of an agent without it; ` +
    `${recordsPerRequest.toFixed(4)} records a request, lost: ${JSON.stringify(dropped)}`,
);
const isRight = Math.abs(recordsPerRequest - 1) < 0.01 && Object.keys(dropped).length === 0;
process.exitCode = Number(ratioTo("nothing")) >= BOUND && isRight ? 0 : 1;
