// SPDX-License-Identifier: MIT
/**
 * Makes the recording beside it anew, on this machine's kernel (root). It holds loopback traffic of our own and nothing else.
 * node --import ./scripts/ts-node.mjs --conditions=skep-source packages/plugin-trace/test/golden/record.ts
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { libbpfBackend } from "@skep/backend-libbpf";
import { createRunFile, recorder } from "@skep/backend-replay";
import { createAgent } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { cgroup2Root } from "@skep/testkit";
import { trace } from "../../src/index.js";

const root = cgroup2Root();
if (!root) throw new Error("no cgroup v2 hierarchy is mounted");
const file = fileURLToPath(new URL("http.run", import.meta.url));
rmSync(file, { force: true });
const cgroup = join(root, `skep-record-${process.pid}`);
mkdirSync(cgroup);
const interval = 2000;
const run = createRunFile(file);
run.begin({ hostname: "recorded", service: "", tags: {}, interval, host: {} });
const entries = [{ plugin: trace, config: { trace_all_process: true } }, { plugin: processes }];
const observer = recorder(libbpfBackend(), entries, () => run.session());
const agent = createAgent({
  ...observer,
  scope: { cgroups: [cgroup] },
  interval,
});
await agent.start();
const scene = fileURLToPath(new URL("scene.mjs", import.meta.url));
const enter = 'echo $$ > "$0/cgroup.procs"; exec "$@"';
const child = spawn("sh", ["-c", enter, cgroup, process.execPath, scene], { stdio: "inherit" });
await once(child, "exit");
await sleep(1000);
await agent.stop();
run.close();
chmodSync(file, 0o644);
rmdirSync(cgroup);
