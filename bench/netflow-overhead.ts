// SPDX-License-Identifier: MIT
/**
 * What netflow costs a saturated server: requests per second of nginx under wrk (keep-alive, loopback) with netflow on,
 * relative to off. Rounds of both alternate; the ratio is that of the medians. Bound: 0.97.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/netflow-overhead.ts [rounds] [seconds]
 * Needs Debian's nginx-light and wrk.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentProcess, exited, makeCgroup, median, outputOf, spawnIn } from "./support/children.js";

const BOUND = 0.97;
const rounds = Number(process.argv[2] ?? 12);
const seconds = Number(process.argv[3] ?? 4);
const port = 18080;

const directory = mkdtempSync(join(tmpdir(), "skep-bench-"));
const cgroup = makeCgroup("skep-bench");
writeFileSync(
  join(directory, "nginx.conf"),
  `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${directory}; proxy_temp_path ${directory};
  fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
  server { listen 127.0.0.1:${port}; location / { return 200 "hello"; } } }`,
);
const server = spawnIn(cgroup.path, "nginx", ["-c", join(directory, "nginx.conf"), "-e", join(directory, "error.log")]);
const agent = new AgentProcess(cgroup.path, 2000);

async function requestsPerSecond(): Promise<number> {
  const wrk = spawnIn(cgroup.path, "wrk", ["-t1", "-c32", `-d${seconds}s`, `http://127.0.0.1:${port}/`]);
  const text = await outputOf(wrk);
  const match = /Requests\/sec:\s+([\d.]+)/.exec(text);
  if (!match) throw new Error(`wrk said nothing of requests:\n${text}`);
  return Number(match[1]);
}

const off: number[] = [];
const on: number[] = [];
try {
  await sleep(300);
  await requestsPerSecond();
  for (let round = 0; round < rounds; round++) {
    const measure = async (observed: boolean): Promise<void> => {
      if (observed) await agent.tell("on");
      (observed ? on : off).push(await requestsPerSecond());
      if (observed) await agent.tell("off");
    };
    // Which goes first alternates too.
    await measure(round % 2 === 0);
    await measure(round % 2 === 1);
    console.log(`round ${round + 1}: off ${off.at(-1)!.toFixed(0)}, on ${on.at(-1)!.toFixed(0)} requests/s`);
  }
} finally {
  await agent.end();
  server.kill();
  await exited(server);
  cgroup.remove();
  rmSync(directory, { recursive: true });
}
const ratio = median(on) / median(off);
const pairs = median(on.map((value, round) => value / off[round]!));
console.log(
  `netflow on/off: ${ratio.toFixed(3)} of medians, ${pairs.toFixed(3)} median of pairs ` +
    `(off ${median(off).toFixed(0)}, on ${median(on).toFixed(0)} requests/s), bound ${BOUND}`,
);
process.exitCode = ratio >= BOUND ? 0 : 1;
