// SPDX-License-Identifier: MIT
import test from "ava";
import { liveTests } from "@skep/testkit";
import { buildWorkingTree, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root"]);

// Some of these run as nobody, who may not build what changed since.
test.before("build", () => buildWorkingTree());

live(["root"], "doctor names a strategy for each probe group, or what is missing", async (t) => {
  const ended = await runProgram([skep, "doctor", "--json"]);
  t.is(ended.status, 0, ended.stderr);
  const { host, plugins } = JSON.parse(ended.stdout) as {
    host: { kernel: string; libbpf: string; btf: boolean };
    plugins: {
      name: string;
      support: string;
      groups: { strategy: string | null; limits: string | null }[];
      reasons: string[];
    }[];
  };
  t.true(host.kernel.length > 0);
  t.regex(host.libbpf, /^\d+\.\d+$/);
  t.true(host.btf);
  const net = plugins.find(({ name }) => name === "ebpf-net");
  t.true((net?.groups.length ?? 0) > 0);
  const lessThanAll = net?.groups.some(({ strategy, limits }) => strategy === null || limits !== null);
  t.is(net?.support, lessThanAll ? "reduced" : "full");
});

live(["root"], "doctor tells people the same in words", async (t) => {
  const ended = await runProgram([skep, "doctor", "--plugin", "ebpf-net"]);
  t.regex(ended.stdout, /^kernel +Linux \d/m);
  t.regex(ended.stdout, /^ebpf-net +(full|reduced)$/m);
  t.notRegex(ended.stdout, /^ebpf-process/m);
});

live(["root"], "doctor without privileges says so, with the mend, status 3", async (t) => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
  const ended = await runProgram([...nobody, skep, "doctor", "--plugin", "ebpf-net"]);
  t.is(ended.status, 3, ended.stderr);
  t.regex(ended.stdout, /^ebpf-net +unavailable$/m);
  t.regex(ended.stdout, /^ +because +.*CAP_BPF/m);
  t.regex(ended.stdout, /^ +mend +.*root/m);
});

live(["root"], "plugins are described without privileges, with types and units", async (t) => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
  const ended = await runProgram([...nobody, skep, "plugins", "--json"]);
  t.is(ended.status, 0, ended.stderr);
  const described = JSON.parse(ended.stdout) as {
    name: string;
    measurements: { name: string; fields: Record<string, { type: string; unit: string }> }[];
    config: { properties: Record<string, { default?: unknown }> };
    capabilities: string[];
  }[];
  const net = described.find(({ name }) => name === "ebpf-net");
  const netflow = net?.measurements.find(({ name }) => name === "netflow");
  t.like(netflow?.fields["bytes_read"], { type: "int", unit: "By" });
  t.is(net?.config.properties["loopback"]?.default, false);
  t.true(net?.capabilities.includes("CAP_BPF"));
});

test("plugins tells people the same in words", async (t) => {
  const ended = await runProgram([skep, "plugins"]);
  t.regex(ended.stdout, /^ {2}measurement netflow \(network\)/m);
  t.regex(ended.stdout, /^ +bytes_read +int, By /m);
  t.regex(ended.stdout, /--ipv6-disabled/);
});

test("help names the commands, the options and the keys of plugins", async (t) => {
  t.regex((await runProgram([skep, "--help"])).stdout, /run[\s\S]*doctor[\s\S]*plugins/);
  const { status, stdout } = await runProgram([skep, "run", "--help"]);
  t.is(status, 0);
  for (const option of ["--scope-pid", "--strategy", "--interval", "--ephemeral-port", "--no-loopback"]) {
    t.true(stdout.includes(option), option);
  }
});

test("an unknown command is a usage error", async (t) => {
  const ended = await runProgram([skep, "runn"]);
  t.is(ended.status, 2);
  t.is(ended.log.at(-1)?.code, "SKEP_ERR_CONFIG");
});
