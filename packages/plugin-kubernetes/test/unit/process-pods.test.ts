// SPDX-License-Identifier: MIT
import test from "ava";
import { createProcessTable, systemClock } from "@skep/core";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProcessPods } from "../../src/process-pods.js";
import { folder } from "../support/folder.js";

const uid = "5076cd42-3b22-4f3c-b220-a1f6d81acc9c";
const container = "c".repeat(64);
const cgroup = `0::/kubepods/burstable/pod${uid}/${container}\n`;

const stat = (pid: number, start = 1000) =>
  `${pid} (nginx) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 ${start} 0 0\n`;
const status = "Name:\tnginx\nUid:\t101\t101\t101\t101\n";

function processes(t: { teardown(end: () => void): void }, files: Record<string, string>) {
  const procRoot = folder(t, files);
  const table = createProcessTable({ procRoot, clock: systemClock, refreshMs: 0 });
  return { procRoot, pods: new ProcessPods(table, procRoot) };
}

test("a process is of the pod its cgroup names, in the host's /proc", (t) => {
  const { pods } = processes(t, { "77/stat": stat(77), "77/status": status, "77/cgroup": cgroup });
  t.deepEqual(pods.of(77), { pod: uid, container });
  t.is(pods.of(78), undefined);
});

test("a process that ended is still of its pod, when it was asked for in time", (t) => {
  const files = { "77/stat": stat(77), "77/status": status, "77/cgroup": cgroup };
  const { procRoot, pods } = processes(t, files);
  pods.of(77);
  rmSync(join(procRoot, "77"), { recursive: true });
  t.deepEqual(pods.of(77), { pod: uid, container });
});

test("a pid that is another process's now is not of the pod of the one before", (t) => {
  const { procRoot, pods } = processes(t, { "77/stat": stat(77), "77/status": status, "77/cgroup": cgroup });
  pods.of(77);
  writeFileSync(join(procRoot, "77/stat"), stat(77, 5000));
  writeFileSync(join(procRoot, "77/cgroup"), "0::/system.slice/ssh.service\n");
  t.is(pods.of(77), undefined);
});

test("a process outside of containers is looked at once", (t) => {
  const { procRoot, pods } = processes(t, {
    "77/stat": stat(77),
    "77/status": status,
    "77/cgroup": "0::/init.scope\n",
  });
  t.is(pods.of(77), undefined);
  writeFileSync(join(procRoot, "77/cgroup"), cgroup);
  t.is(pods.of(77), undefined);
});
