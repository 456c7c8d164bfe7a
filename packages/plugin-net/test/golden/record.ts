// SPDX-License-Identifier: MIT
/**
 * Makes the recordings beside it anew, on this machine's kernel (root). They hold loopback traffic of our own and nothing else.
 * node --import ./scripts/ts-node.mjs --conditions=skep-source packages/plugin-net/test/golden/record.ts
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { libbpfBackend } from "@skep/backend-libbpf";
import { fileSink, recordingBackend } from "@skep/backend-replay";
import { createAgent } from "@skep/core";
import { cgroup2Root, trafficProgram } from "@skep/testkit";
import { net } from "../../src/index.js";

const scenes = {
  "mixed-traffic": [
    ["tcp-exchange", "--fork", "--connections", "3", "--rounds", "4", "--send", "3000", "--reply", "9000"],
    ["short", "--connections", "20", "--family", "6"],
    ["udp-exchange", "--fork", "--messages", "5", "--family", "6"],
    ["tcp-exchange", "--family", "mapped", "--close", "rst", "--closer", "server"],
    ["never-accept"],
  ],
} as const;

const root = cgroup2Root();
if (!root) throw new Error("no cgroup v2 hierarchy is mounted");
for (const [scene, commands] of Object.entries(scenes)) {
  const file = fileURLToPath(new URL(`${scene}.bpfrec`, import.meta.url));
  rmSync(file, { force: true });
  const cgroup = join(root, `skep-record-${process.pid}`);
  mkdirSync(cgroup);
  const backend = recordingBackend(libbpfBackend(), () => fileSink(file), { plugins: [net] });
  const agent = createAgent({
    backend,
    plugins: [{ plugin: net, config: { loopback: true, l7net_enabled: [] } }],
    scope: { cgroups: [cgroup] },
    interval: 2000,
  });
  await agent.start();
  for (const command of commands) {
    execFileSync("sh", ["-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', cgroup, trafficProgram(), ...command], {
      stdio: "ignore",
    });
    await sleep(1000);
  }
  await agent.stop();
  await backend.close();
  rmdirSync(cgroup);
  // The recording tells which kernel it is from, and needs not tell which machine.
  const bytes = readFileSync(file);
  writeFileSync(file, bytes, { mode: 0o644 });
}
