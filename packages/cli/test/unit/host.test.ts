// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { customBtf } from "@skep/backend-libbpf";
import test, { type ExecutionContext } from "ava";
import { meets, type PluginDiagnosis } from "../../src/diagnosis.js";
import { capabilitiesOf, missingOf } from "../../src/host/capabilities.js";
import { conntrack } from "../../src/host/conntrack.js";
import { mountsOf } from "../../src/host/mounts.js";
import { meaningOf, selinux } from "../../src/host/selinux.js";

/** A directory with these files. */
function tree(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "skep-host-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test("capabilities are told one by one, and CAP_SYS_ADMIN contains the newer ones", (t) => {
  const few = capabilitiesOf(((1n << 39n) | (1n << 12n)).toString(16));
  t.like(few, { CAP_BPF: true, CAP_NET_ADMIN: true, CAP_PERFMON: false, CAP_SYS_ADMIN: false });
  t.like(capabilitiesOf((1n << 21n).toString(16)), { CAP_BPF: true, CAP_PERFMON: true, CAP_NET_ADMIN: false });
  t.deepEqual(missingOf(["CAP_BPF", "CAP_PERFMON", "CAP_UNHEARD_OF"], few), ["CAP_PERFMON"]);
});

test("cgroup v1, v2 and both at once are told apart, and mount points with blanks are read", (t) => {
  const v1 = "30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
  const v2 = "31 24 0:27 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw";
  t.is(mountsOf("").cgroup, "none");
  t.is(mountsOf(v1).cgroup, "v1");
  t.like(mountsOf(v2), { cgroup: "v2", cgroup2: "/sys/fs/cgroup/uni fied", tracefs: null });
  t.is(mountsOf(`${v1}\n${v2}`).cgroup, "hybrid");
  t.is(
    mountsOf("9 1 0:12 / /sys/kernel/tracing rw,relatime shared:5 - tracefs tracefs rw").tracefs,
    "/sys/kernel/tracing",
  );
});

test("what an SELinux policy denies is told by permission, and what that means by mode", (t) => {
  t.deepEqual(selinux("/nonexistent"), { mode: "absent", context: null, denied: null });
  t.is(selinux(tree(t, { enforce: "1" })).mode, "enforcing");
  t.is(selinux(tree(t, { enforce: "0\n" })).mode, "permissive");
  const context = "u:r:skep_t:s0";
  t.regex(meaningOf({ mode: "enforcing", context, denied: ["prog_load"] }), /may not bpf:prog_load/);
  t.regex(meaningOf({ mode: "permissive", context, denied: ["prog_load"] }), /enforcing, it could not bpf:prog_load/);
  t.regex(meaningOf({ mode: "enforcing", context, denied: [] }), /which may use bpf/);
});

test("symbols of connection tracking are those of that very name", (t) => {
  const root = tree(t, {
    kallsyms: "ffff0000 T nf_ct_delete\t[nf_conntrack]\nffff0001 t __nf_conntrack_hash_insert.isra.0\t[nf_conntrack]\n",
    "sys/net/netfilter/nf_conntrack_max": "1",
  });
  t.deepEqual(conntrack(root), { loaded: true, symbols: { nf_ct_delete: true, __nf_conntrack_hash_insert: false } });
  t.deepEqual(conntrack("/nonexistent"), { loaded: false, symbols: null });
});

test("a requirement is met by how much of what was examined works", (t) => {
  const of = (...supports: PluginDiagnosis["support"][]) => ({
    plugins: supports.map((support) => ({ support }) as PluginDiagnosis),
  });
  t.true(meets(of("full", "full"), "full"));
  t.false(meets(of("full", "reduced"), "full"));
  t.true(meets(of("full", "reduced"), "reduced"));
  t.false(meets(of("full", "unavailable"), "reduced"));
  t.true(meets(of("full", "unavailable"), "any"));
  t.false(meets(of("unavailable"), "any"));
});

test("BTF of this kernel is found as a file, in a directory, and where BTFHub keeps it", (t) => {
  const arch = process.arch === "x64" ? "x86_64" : "arm64";
  const root = tree(t, {
    "etc/os-release": 'NAME="Some Linux"\nID=some\nVERSION_ID="7.2"\n',
    [`hub/some/7.2/${arch}/${release()}.btf`]: "btf",
    [`plain/${release()}.btf`]: "btf",
    "other/1.2.3.btf": "btf",
  });
  t.is(customBtf(join(root, "hub"), root), join(root, `hub/some/7.2/${arch}/${release()}.btf`));
  t.is(customBtf(join(root, "plain"), root), join(root, `plain/${release()}.btf`));
  t.is(customBtf(join(root, "other/1.2.3.btf"), root), join(root, "other/1.2.3.btf"));
  t.is(customBtf(join(root, "other"), root), undefined);
  t.is(customBtf("/nonexistent", root), undefined);
});
