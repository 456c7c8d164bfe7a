// SPDX-License-Identifier: MIT
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
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

live(
  ["root"],
  "doctor names each capability that is there and each a plugin lacks, and asks for no more",
  async (t) => {
    const caps = "-all,+bpf,+net_admin,+sys_ptrace";
    const few = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const ended = await runProgram([
      ...[...few, `--inh-caps=${caps}`, `--ambient-caps=${caps}`],
      ...[skep, "doctor", "--plugin", "ebpf-net", "--json"],
    ]);
    const { host, plugins } = JSON.parse(ended.stdout) as {
      host: { capabilities: Record<string, boolean>; root: boolean };
      plugins: { missing_capabilities: string[]; mend: string }[];
    };
    t.false(host.root);
    t.like(host.capabilities, { CAP_BPF: true, CAP_NET_ADMIN: true, CAP_PERFMON: false, CAP_SYS_ADMIN: false });
    t.deepEqual(plugins[0]?.missing_capabilities, ["CAP_PERFMON"]);
    t.regex(plugins[0]?.mend ?? "", /CAP_PERFMON/);
  },
);

live(["root"], "doctor's status says whether as much works as is required", async (t) => {
  const doctor = [skep, "doctor", "--json", "--plugin", "ebpf-bash"];
  const { stdout, status } = await runProgram([...doctor, "--require", "full"]);
  const { plugins } = JSON.parse(stdout) as { plugins: { support: string }[] };
  t.is(status, plugins.every(({ support }) => support === "full") ? 0 : 3);
  t.is((await runProgram([...doctor, "--require", "everything"])).status, 2);
});

live(["root"], "BTF named by btf_path is used instead of the kernel's own", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skep-btf-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const good = join(folder, `${release()}.btf`);
  writeFileSync(good, readFileSync("/sys/kernel/btf/vmlinux"));
  const bad = join(folder, "bad.btf");
  writeFileSync(bad, "no BTF at all");
  const support = async (path: string) => {
    const { stdout } = await runProgram([skep, "doctor", "--json", "--plugin", "ebpf-net", "--btf-path", path]);
    const { host, plugins } = JSON.parse(stdout) as {
      host: { btf_path: string | null };
      plugins: { support: string; reasons: string[] }[];
    };
    return { path: host.btf_path, ...plugins[0] };
  };
  t.like(await support(folder), { path: good });
  t.not((await support(folder)).support, "unavailable");
  t.is((await support(bad)).support, "unavailable");
  const none = await support(join(folder, "nothing"));
  t.is(none.path, null);
  t.regex(none.reasons?.join() ?? "", /no BTF of this kernel at/);
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
