// SPDX-License-Identifier: MIT
// MappedFiles fed by ebpf-process: what programs really run, against the programs the test starts.
import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent, definePlugin, type MappedFile, MappedFiles, ProcessTable } from "@skep/core";
import { liveTests, patience, scopedCgroup, spawnIn, type Teardown, until } from "@skep/testkit";
import test from "ava";
import { z } from "zod";
import { processes } from "../../src/index.js";

const live = await liveTests(test, ["root", "cgroup2", "tp_btf"]);
const needs = ["root", "cgroup2", "tp_btf"];

interface Told {
  readonly file: MappedFile;
  /** CLOCK_MONOTONIC, ns. */
  readonly atNs: bigint;
}

/** An agent, limited to a cgroup, that watches every program and library. */
async function observe(t: Teardown) {
  const cgroup = scopedCgroup(t, "mapped");
  const found: Told[] = [];
  const gone: MappedFile[] = [];
  const execs = new Map<number, bigint>();
  const watcher = definePlugin({
    name: "test-watcher",
    version: "1.0.0",
    description: "watches mapped files",
    config: z.strictObject({}),
    measurements: [],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    uses: [MappedFiles, ProcessTable],
    setup: (context) => ({
      async start() {
        context.use(ProcessTable).subscribe(({ kind, pid, timeNs }) => {
          if (kind === "exec") execs.set(pid, timeNs);
        });
        await context.use(MappedFiles).watch({
          wanted: () => true,
          found: (file) => found.push({ file, atNs: process.hrtime.bigint() }),
          gone: (file) => gone.push(file),
        });
      },
    }),
  });
  const agent = createAgent({
    backend: libbpfBackend(),
    plugins: [processes, watcher],
    scope: { cgroups: [cgroup.path] },
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000 },
  });
  t.teardown(() => agent.stop());
  await agent.start();
  const ofProcess = (pid: number) => found.filter(({ file }) => file.pid === pid);
  return { cgroup, found, gone, execs, ofProcess };
}

/** A copy of bash that no other process runs. */
function copiedBash(t: Teardown): string {
  const directory = mkdtempSync(join(tmpdir(), "skep-mapped-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "bash");
  copyFileSync("/bin/bash", path);
  return path;
}

live(needs, "a program is told at its exec, its libraries once they are mapped, all until its end", async (t) => {
  const { cgroup, gone, ofProcess } = await observe(t);
  const path = copiedBash(t);
  const { pid, writeLine, exited } = spawnIn(t, { cgroup }, path, ["-c", "read line"]);
  const told = () => ofProcess(pid).filter(({ file }) => file.program === path);
  await until(() => told().some(({ file }) => basename(file.path).startsWith("libc.")), {
    what: "the program and its C library are told",
    deadlineMs: 20_000,
  });
  const [program] = told();
  t.like(program!.file, { path, isProgram: true });
  const { dev, ino } = statSync(path);
  t.is(program!.file.id, `${dev}:${ino}`);
  for (const { file } of told()) t.is(statSync(file.openPath).ino, statSync(file.path).ino, file.path);
  t.is(gone.filter((file) => file.program === path).length, 0);
  writeLine("end");
  await exited;
  // Other libraries may have been told after the C library.
  await until(() => gone.filter((file) => file.program === path).length === told().length, {
    what: "all are gone",
    deadlineMs: 20_000,
  });
});

live(needs, "programs outside the scope are not told", async (t) => {
  const { found, cgroup } = await observe(t);
  const [inside, outside] = [copiedBash(t), copiedBash(t)];
  const other = spawnIn(t, {}, outside, ["-c", "read line"]);
  spawnIn(t, { cgroup }, inside, ["-c", "read line"]);
  await until(() => found.some(({ file }) => file.path === inside), { what: "the program in scope is told" });
  t.deepEqual(
    found.filter(({ file }) => file.path === outside || file.pid === other.pid),
    [],
  );
});

live(needs, "a program is told a few milliseconds after its exec", async (t) => {
  const { cgroup, execs, ofProcess } = await observe(t);
  const path = copiedBash(t);
  const toldMs: number[] = [];
  const libraryMs: number[] = [];
  for (let run = 0; run < 20; run++) {
    const { pid, writeLine, exited } = spawnIn(t, { cgroup }, path, ["-c", "read line"]);
    const own = await until(
      () => {
        const told = ofProcess(pid).filter(({ file }) => file.program === path);
        return told.some(({ file }) => file.path.includes("/libc.")) && told;
      },
      { what: "the program and its libraries are told", everyMs: 1 },
    );
    const sinceExec = ({ atNs }: Told) => Number(atNs - execs.get(pid)!) / 1e6;
    toldMs.push(sinceExec(own[0]!));
    libraryMs.push(sinceExec(own.find(({ file }) => file.path.includes("/libc."))!));
    writeLine();
    await exited;
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length / 2]!;
  t.log(`median after exec: program ${median(toldMs).toFixed(1)} ms, libraries ${median(libraryMs).toFixed(1)} ms`);
  t.log(`slowest: program ${toldMs.at(-1)!.toFixed(1)} ms, libraries ${libraryMs.at(-1)!.toFixed(1)} ms`);
  t.true(median(toldMs) < 50 * patience);
});
