// SPDX-License-Identifier: MIT
/**
 * What httpflow costs a saturated server: requests per second of nginx under wrk (keep-alive, loopback) observed by an agent
 * with httpflow, relative to nothing attached at all. Rounds alternate, a third kind has an agent without httpflow; the ratio
 * is that of the medians. Bound: 0.93. Every exchange must come as one record of the kernel, and none be lost.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/httpflow-overhead.ts [rounds] [seconds]
 * Needs Debian's nginx-light and wrk, and the built packages.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentProcess, exited, makeCgroup, median, outputOf, spawnIn } from "./support/children.js";

const BOUND = 0.93;
const rounds = Number(process.argv[2] ?? 12);
const seconds = Number(process.argv[3] ?? 4);
const port = 18081;

const directory = mkdtempSync(join(tmpdir(), "skep-bench-"));
/** The server is observed; what loads it runs outside. */
const cgroup = makeCgroup("skep-bench");
const outside = makeCgroup("skep-bench-wrk");
writeFileSync(
  join(directory, "nginx.conf"),
  `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${directory}; proxy_temp_path ${directory};
  fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
  server { listen 127.0.0.1:${port}; location / { return 200 "hello"; } } }`,
);
const server = spawnIn(cgroup.path, "nginx", ["-c", join(directory, "nginx.conf"), "-e", join(directory, "error.log")]);
const agents = {
  without: new AgentProcess(cgroup.path, 2000, { l7net_enabled: [] }),
  with: new AgentProcess(cgroup.path, 2000, { l7net_enabled: ["httpflow"] }),
};

interface Load {
  readonly requests: number;
  readonly perSecond: number;
}

async function load(): Promise<Load> {
  const text = await outputOf(
    spawnIn(outside.path, "wrk", ["-t1", "-c32", `-d${seconds}s`, `http://127.0.0.1:${port}/`]),
  );
  const match = /(\d+) requests in[^]*Requests\/sec:\s+([\d.]+)/.exec(text);
  if (!match) throw new Error(`wrk said nothing of requests:\n${text}`);
  return { requests: Number(match[1]), perSecond: Number(match[2]) };
}

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
  const done = await load();
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
  await sleep(300);
  await load();
  const kinds = Object.keys(perSecond) as (keyof typeof perSecond)[];
  for (let round = 0; round < rounds; round++) {
    // Which goes first alternates too.
    for (let turn = 0; turn < kinds.length; turn++) await measure(kinds[(round + turn) % kinds.length]!);
    const latest = kinds.map((kind) => `${kind} ${perSecond[kind].at(-1)!.toFixed(0)}`);
    console.log(`round ${round + 1}: ${latest.join(", ")} requests/s`);
  }
} finally {
  for (const agent of Object.values(agents)) await agent.end();
  server.kill();
  await exited(server);
  cgroup.remove();
  outside.remove();
  rmSync(directory, { recursive: true });
}
const ratioTo = (kind: keyof typeof perSecond): string => (median(perSecond.with) / median(perSecond[kind])).toFixed(3);
// netflow counts its connections too, and wrk leaves the last request of each unanswered.
const recordsPerRequest = records / requests;
console.log(
  `httpflow: ${ratioTo("nothing")} of nothing attached (bound ${BOUND}), ${ratioTo("without")} of an agent without it; ` +
    `${recordsPerRequest.toFixed(4)} records a request, lost: ${JSON.stringify(dropped)}`,
);
const isRight = Math.abs(recordsPerRequest - 1) < 0.01 && Object.keys(dropped).length === 0;
process.exitCode = Number(ratioTo("nothing")) >= BOUND && isRight ? 0 : 1;
