// SPDX-License-Identifier: MIT
// `npm start`: sets up, then shows the agent at work for half a minute, on traffic of its own in a scope of its own:
//
//   bin/skep run --enabled ebpf-net,ebpf-bash,ebpf-trace,ebpf-conntrack --duration 30s --interval 5s --output table -- \
//     node scripts/demo/traffic.mjs
//
// and compares what it saw with what the demo really did, and draws the call tree of one request. Ends with 0 only when they agree.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRoot } from "./setup/host.mjs";
import { root } from "./setup/stamp.mjs";
import { runScript, Trouble } from "./setup/trouble.mjs";

/** Seconds of traffic: the rest of the half minute is for attaching and for the last flush. */
const trafficSeconds = 26;

/** Where destination NAT can be shown; undefined, and said, where this kernel or its tools do not allow it. */
async function natOrNot() {
  const { makeNat } = await import("./demo/nat.mjs");
  try {
    return makeNat();
  } catch (error) {
    console.error(`demo: no NAT to be seen: ${String(error.stderr || error.message).trim()}`);
    return undefined;
  }
}

async function show(truthFile, nat) {
  const { runCli } = await import("../packages/cli/dist/index.js");
  const { compare, Seen } = await import("./demo/compare.mjs");
  const seen = new Seen();
  const recorder = { name: "demo", export: (points) => points.forEach((point) => seen.add(point)) };
  const traffic = [process.execPath, join(root, "scripts/demo/traffic.mjs"), String(trafficSeconds), truthFile];
  if (nat) traffic.push(JSON.stringify(nat));
  const enabled = ["ebpf-net", "ebpf-bash", "ebpf-trace", ...(nat ? ["ebpf-conntrack"] : [])].join(",");
  const how = ["--enabled", enabled, "--duration", "30s", "--interval", "5s", "--output", "table"];
  const status = await runCli(["run", ...how, "--", ...traffic], { exporters: [recorder] });
  if (status !== 0) return status;
  if (!existsSync(truthFile))
    throw new Trouble("the demo's traffic did not end in time, so there is nothing to compare with");
  const tree = seen.drawTree();
  const { text, agrees } = compare(JSON.parse(readFileSync(truthFile, "utf8")), seen);
  console.log(`\nWhat the demo did, by its own count, and what Skep saw of it:\n\n${text}\n`);
  console.log(agrees ? "They agree." : "They do not agree: this is a bug.");
  if (tree !== undefined) console.log(`\nThe last checkout in the demo's shop, as Skep traced it:\n\n${tree}`);
  return agrees ? 0 : 1;
}

await runScript(async () => {
  const setup = spawnSync(process.execPath, ["scripts/setup.mjs"], { cwd: root, stdio: "inherit" });
  if (setup.status !== 0) throw new Trouble("the set-up did not succeed");
  if (!isRoot()) throw new Trouble("loading eBPF programs needs root", "run it again as root: sudo npm start");
  const folder = mkdtempSync(join(tmpdir(), "skep-demo-"));
  const nat = await natOrNot();
  try {
    return await show(join(folder, "truth.json"), nat);
  } finally {
    nat?.remove();
    rmSync(folder, { recursive: true });
  }
});
