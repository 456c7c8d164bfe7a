// SPDX-License-Identifier: MIT
// Whatever is missing or wrong is told in one line, with a code, what would be right, and the exit status.
import test, { type ExecutionContext } from "ava";
import { liveTests } from "@skep/testkit";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ErrorCode } from "@skep/core";
import { buildWorkingTree, runProgram, skep, type Ended } from "./skep.js";

const live = await liveTests(test, ["root"]);

// Some of these run as nobody, who may not build what changed.
test.before("build", () => buildWorkingTree());

function folderOf(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-errors-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** Exactly one error line, with this code, what is wrong and what would be right, and no stack trace; nothing on stdout. */
function refused(t: ExecutionContext, ended: Ended, status: number, code: ErrorCode, message: RegExp): void {
  t.is(ended.status, status, ended.stderr);
  const errors = ended.log.filter(({ level }) => level === "error");
  t.is(errors.length, 1, ended.stderr);
  t.is(errors[0]?.code, code, ended.stderr);
  t.regex(errors[0]?.msg ?? "", message);
  t.true(errors[0]?.hint !== undefined || /expected/.test(errors[0]?.msg ?? ""), "it does not say what would be right");
  t.notRegex(ended.stderr, /^ +at /m);
  t.is(ended.stdout, "");
}

live(["root"], "without root: SKEP_ERR_PERMISSION, status 3", async (t) => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
  const ended = await runProgram([...nobody, skep, "run", "--duration", "1s"]);
  refused(t, ended, 3, "SKEP_ERR_PERMISSION", /CAP_BPF/);
});

live(["root"], "without libbpf: SKEP_ERR_BACKEND_UNAVAILABLE, status 3", async (t) => {
  const ended = await runProgram([skep, "run", "--duration", "1s"], {
    env: { LIBBPF_PATH: "/nonexistent/libbpf.so.1" },
  });
  refused(t, ended, 3, "SKEP_ERR_BACKEND_UNAVAILABLE", /\/nonexistent\/libbpf\.so\.1/);
});

live(["root"], "without BTF: SKEP_ERR_BTF_MISSING, status 3", async (t) => {
  const hideBtf = 'mount -t tmpfs none /sys/kernel/btf && exec "$@"';
  const ended = await runProgram(["unshare", "-m", "sh", "-c", hideBtf, "sh", skep, "run", "--duration", "1s"]);
  refused(t, ended, 3, "SKEP_ERR_BTF_MISSING", /kernel\/btf\/vmlinux/);
});

/** A mount namespace of its own in which no cgroup v2 hierarchy is mounted. */
const withoutCgroup2 = [
  "unshare",
  "-m",
  "sh",
  "-c",
  `for point in $(awk '$3 == "cgroup2" { print $2 }' /proc/self/mounts); do umount -l "$point"; done; exec "$@"`,
  "sh",
];

live(["root"], "without cgroup v2 a COMMAND is observed by its pid, after one warning", async (t) => {
  const ended = await runProgram([...withoutCgroup2, skep, "run", "--output", "ndjson", "--", "sh", "-c", "exit 7"]);
  const warnings = ended.log.filter(({ event }) => event === "scope");
  t.deepEqual(
    warnings.map(({ level, code }) => [level, code]),
    [["warn", "SKEP_ERR_CGROUP2_MISSING"]],
    ended.stderr,
  );
  t.is(ended.status, 7, ended.stderr);
});

live(["root"], "a scope that does not exist: SKEP_ERR_SCOPE, status 2", async (t) => {
  const ended = await runProgram([skep, "run", "--scope-cgroup", "/nonexistent", "--duration", "1s"]);
  refused(t, ended, 2, "SKEP_ERR_SCOPE", /\/nonexistent/);
});

test("an unknown plugin: SKEP_ERR_PLUGIN_UNKNOWN, status 2", async (t) => {
  const ended = await runProgram([skep, "run", "--enabled", "ebpf-nett"], { cwd: folderOf(t) });
  refused(t, ended, 2, "SKEP_ERR_PLUGIN_UNKNOWN", /ebpf-nett/);
});

test("a plugin for another API version is refused before its code is imported", async (t) => {
  const manifest = {
    name: "skep-plugin-future",
    version: "1.0.0",
    type: "module",
    exports: "./index.js",
    skep: { api: "9.0", entry: "./index.js" },
  };
  const cwd = folderOf(t, {
    "node_modules/skep-plugin-future/package.json": JSON.stringify(manifest),
    "node_modules/skep-plugin-future/index.js": 'throw new Error("imported");',
  });
  const ended = await runProgram([skep, "run", "--enabled", "future"], { cwd });
  refused(t, ended, 2, "SKEP_ERR_PLUGIN_API", /9\.0/);
  t.notRegex(ended.stderr, /imported/);
});

test("TOML that does not parse: SKEP_ERR_CONFIG_SYNTAX with file and line, status 2", async (t) => {
  const cwd = folderOf(t, { "ebpf.conf": '[[inputs.ebpf]]\n  interval = "10s"\n  tags = {\n' });
  const ended = await runProgram([skep, "run", "--config", "ebpf.conf"], { cwd });
  refused(t, ended, 2, "SKEP_ERR_CONFIG_SYNTAX", /ebpf\.conf:[34]/);
});

test("an unknown key in a file: SKEP_ERR_CONFIG_UNKNOWN_KEY with file and line, status 2", async (t) => {
  const cwd = folderOf(t, { "ebpf.conf": '[[inputs.ebpf]]\n  intervall = "10s"\n' });
  const ended = await runProgram([skep, "run", "--config", "ebpf.conf"], { cwd });
  refused(t, ended, 2, "SKEP_ERR_CONFIG_UNKNOWN_KEY", /ebpf\.conf:2.*intervall/);
  t.regex(ended.log.at(-1)?.hint ?? "", /interval/);
});

test("an unknown option: SKEP_ERR_CONFIG_UNKNOWN_KEY, named as it was written, status 2", async (t) => {
  const ended = await runProgram([skep, "run", "--ephemeral-prot", "1"], { cwd: folderOf(t) });
  refused(t, ended, 2, "SKEP_ERR_CONFIG_UNKNOWN_KEY", /--ephemeral-prot/);
});

for (const [what, args, message] of [
  ["a value of the wrong kind", ["--ephemeral-port", "many"], /ephemeral-port/],
  ["a duration without sense", ["--duration", "soon"], /--duration/],
  ["an output nobody knows", ["--output", "xml"], /xml/],
  ["a replay without a recording", ["--backend", "replay"], /recording/],
  ["a scope beside a COMMAND", ["--scope-pid", "1", "--", "true"], /COMMAND/],
  ["a COMMAND without --", ["curl"], /curl/],
] as const) {
  test(`${what}: SKEP_ERR_CONFIG, status 2`, async (t) => {
    refused(t, await runProgram([skep, "run", ...args], { cwd: folderOf(t) }), 2, "SKEP_ERR_CONFIG", message);
  });
}

live(["root"], "options of the reference that Skep leaves out are accepted, in one warning", async (t) => {
  const leftOut = ["--pprof-port=6061", "--netlog-log", "true", "--container-endpoints", "unix:///run/x.sock"];
  const ended = await runProgram([skep, "run", ...leftOut, "--output", "none", "--", "true"]);
  t.is(ended.status, 0, ended.stderr);
  const warnings = ended.log.filter(({ level, event }) => level === "warn" && event === "config");
  t.is(warnings.length, 1, ended.stderr);
  for (const option of ["--pprof-port", "--netlog-log", "--container-endpoints"])
    t.true(warnings[0]?.msg.includes(option), option);
});
