// SPDX-License-Identifier: MIT
// The container of deploy/ on the running kernel: root with its capabilities alone sees what root with all of them does.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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

live(
  [...needs],
  "with the capabilities of deploy/ ebpf-net chooses the strategies it does with all of them",
  async (t) => {
    const all = await agentWith("--inh-caps=-all");
    t.true(["running", "degraded"].includes(all.state), all.reasons.join("; "));
    const added = capabilities.map((name) => `+${name.toLowerCase()}`).join(",");
    const limited = await agentWith(`--bounding-set=-all,${added}`, "--inh-caps=-all");
    t.deepEqual(limited, all);
  },
);
