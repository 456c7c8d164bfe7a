// SPDX-License-Identifier: MIT
/**
 * Makes the recordings beside it anew (those named, or all), on this machine's kernel (root). They hold loopback traffic of our own and nothing else.
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
import { net, type NetConfig } from "../../src/index.js";

/** Commands, and what is observed of them. */
interface Scene {
  readonly commands: readonly (readonly [command: string, ...parameters: string[]])[];
  readonly config: Partial<NetConfig>;
}

const traffic = trafficProgram();
const scenes: Readonly<Record<string, Scene>> = {
  "mixed-traffic": {
    commands: [
      [traffic, "tcp-exchange", "--fork", "--connections", "3", "--rounds", "4", "--send", "3000", "--reply", "9000"],
      [traffic, "short", "--connections", "20", "--family", "6"],
      [traffic, "udp-exchange", "--fork", "--messages", "5", "--family", "6"],
      [traffic, "tcp-exchange", "--family", "mapped", "--close", "rst", "--closer", "server"],
      [traffic, "never-accept"],
    ],
    config: { loopback: true, l7net_enabled: [] },
  },
  http: {
    commands: [[process.execPath, fileURLToPath(new URL("http-peers.mjs", import.meta.url))]],
    config: { loopback: true },
  },
};
/** Which to make anew; without any, all. */
const wanted = process.argv.slice(2);

const root = cgroup2Root();
if (!root) throw new Error("no cgroup v2 hierarchy is mounted");
for (const [scene, { commands, config }] of Object.entries(scenes)) {
  if (wanted.length > 0 && !wanted.includes(scene)) continue;
  const file = fileURLToPath(new URL(`${scene}.bpfrec`, import.meta.url));
  rmSync(file, { force: true });
  const cgroup = join(root, `skep-record-${process.pid}`);
  mkdirSync(cgroup);
  const backend = recordingBackend(libbpfBackend(), () => fileSink(file), { plugins: [net] });
  const agent = createAgent({
    backend,
    plugins: [{ plugin: net, config }],
    scope: { cgroups: [cgroup] },
    interval: 2000,
  });
  await agent.start();
  for (const command of commands) {
    execFileSync("sh", ["-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', cgroup, ...command], {
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
