// SPDX-License-Identifier: MIT
// The container of deploy/ on the running kernel: root with its capabilities alone sees what root with all of them does.
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { libbpfBackend, libbpfVersion } from "@skep/backend-libbpf";
import { liveTests } from "@skep/testkit";
import test from "ava";
import { capabilities } from "../support/capabilities.js";

const needs = ["root", "tp_btf", "command:setpriv"] as const;
const live = await liveTests(test, [...needs]);

interface Outcome {
  readonly state: string;
  readonly reasons: readonly string[];
  readonly strategies: Readonly<Record<string, string | null>>;
}

async function agentWith(...limits: string[]): Promise<Outcome> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const program = fileURLToPath(new URL(`../support/limited-agent.${extension}`, import.meta.url));
  const run = promisify(execFile);
  const { stdout } = await run("setpriv", [...limits, process.execPath, ...process.execArgv, program]);
  return JSON.parse(stdout) as Outcome;
}

/**
 * libbpf before 1.3 fails when it may not list the BTF of modules, where it looks for kernel functions that vmlinux lacks:
 * https://github.com/libbpf/libbpf/commit/3f33f9a6b8f77364ea410cf90df0349fa679826b. The container's is newer.
 */
async function takesAllCapabilities(): Promise<boolean> {
  const [major = 0, minor = 0] = libbpfVersion().split(".").map(Number);
  const [vmlinux, ...modules] = await readdir("/sys/kernel/btf");
  if (major > 1 || minor >= 3 || vmlinux === undefined || modules.length === 0) return false;
  const backend = libbpfBackend();
  const { supported } = await backend.probe("ksym:bpf_rdonly_cast");
  await backend.close();
  return supported === false;
}

const title = "with the capabilities of deploy/ ebpf-net chooses the strategies it does with all of them";
const hasRoot = process.getuid?.() === 0;
if (hasRoot && (await takesAllCapabilities())) {
  test.skip(`${title} (skipped: libbpf ${libbpfVersion()} takes CAP_SYS_ADMIN on this kernel, 1.3 does not)`, () => {});
} else {
  live([...needs], title, async (t) => {
    t.timeout(600_000);
    const all = await agentWith("--inh-caps=-all");
    t.true(["running", "degraded"].includes(all.state), all.reasons.join("; "));
    const added = capabilities.map((name) => `+${name.toLowerCase()}`).join(",");
    const limited = await agentWith(`--bounding-set=-all,${added}`, "--inh-caps=-all");
    t.deepEqual(limited, all);
  });
}
