// SPDX-License-Identifier: MIT
// What each plugin says it needs is enough, and what it is told to do without is missed.
import { readdirSync } from "node:fs";
import { libbpfVersion } from "@skep/backend-libbpf";
import { liveTests } from "@skep/testkit";
import test from "ava";
import { builtins } from "../../src/plugins.js";
import { buildWorkingTree, runProgram, skep } from "./skep.js";

const needs = ["root", "tp_btf", "command:setpriv"] as const;
const live = await liveTests(test, [...needs]);

test.before("build", () => buildWorkingTree());

interface Diagnosed {
  readonly support: string;
  readonly missing_capabilities: readonly string[];
  readonly reasons: readonly string[];
  readonly strategies: Readonly<Record<string, string | null>>;
}

/** What doctor says of a plugin when root has these capabilities and no others. Undefined: all. */
async function diagnosed(plugin: string, capabilities?: readonly string[]): Promise<Diagnosed> {
  const added = capabilities?.map((name) => `,+${name.replace("CAP_", "").toLowerCase()}`).join("");
  const limit = added === undefined ? [] : ["setpriv", `--bounding-set=-all${added}`, "--inh-caps=-all"];
  const { stdout, stderr } = await runProgram([...limit, skep, "doctor", "--json", "--plugin", plugin]);
  if (stdout === "") throw new Error(stderr);
  const { plugins } = JSON.parse(stdout) as {
    plugins: (Omit<Diagnosed, "strategies"> & { groups: { group: string; strategy: string | null }[] })[];
  };
  const { support, missing_capabilities, reasons, groups } = plugins[0]!;
  const strategies = Object.fromEntries(groups.map(({ group, strategy }) => [group, strategy]));
  return { support, missing_capabilities, reasons, strategies };
}

/** libbpf before 1.3 takes CAP_SYS_ADMIN where the kernel has BTF of modules: see plugin-kubernetes/test/live/capabilities.test.ts. */
function libbpfTakesAll(): boolean {
  const [major = 0, minor = 0] = libbpfVersion().split(".").map(Number);
  return major <= 1 && minor < 3 && readdirSync("/sys/kernel/btf").length > 1;
}

/** What doctor itself takes: the root of the cgroup hierarchy, where it makes a cgroup, is not even root's to write. */
const doctors = ["CAP_DAC_OVERRIDE", ...(libbpfTakesAll() ? ["CAP_SYS_ADMIN"] : [])];

for (const { name, capabilities } of builtins.filter((plugin) => plugin.capabilities.length > 0)) {
  live(
    [...needs],
    `${name} chooses the strategies it does with every capability, having ${capabilities.join(", ")}`,
    async (t) => {
      const all = await diagnosed(name);
      t.not(all.support, "unavailable");
      t.deepEqual(all.missing_capabilities, []);
      const own = await diagnosed(name, [...capabilities, ...doctors]);
      t.deepEqual(own.missing_capabilities, []);
      t.deepEqual(own.strategies, all.strategies);
      if (own.reasons.some((reason) => /lacks CAP_SYS_ADMIN, which user probes take/.test(reason))) {
        // From Linux 6.16, and stable kernels of July 2025: then that is all that is missing.
        const more = await diagnosed(name, [...capabilities, "CAP_SYS_ADMIN", ...doctors]);
        return t.is(more.support, all.support);
      }
      t.is(own.support, all.support);
    },
  );
}

live([...needs], "without one of those that loading takes, doctor says which, and nothing runs", async (t) => {
  for (const [plugin, missing] of [
    ["ebpf-net", "CAP_BPF"],
    ["ebpf-net", "CAP_PERFMON"],
    ["ebpf-net", "CAP_NET_ADMIN"],
    ["ebpf-bash", "CAP_PERFMON"],
    ["ebpf-process", "CAP_PERFMON"],
  ] as const) {
    const { capabilities } = builtins.find(({ name }) => name === plugin)!;
    const less = await diagnosed(plugin, ["CAP_DAC_OVERRIDE", ...capabilities.filter((name) => name !== missing)]);
    t.deepEqual(less.missing_capabilities, [missing], plugin);
    t.not(less.support, "full", `${plugin} without ${missing}`);
  }
});
