// SPDX-License-Identifier: MIT

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { createProcessTable, systemClock, type ProcessTableOptions } from "../../../src/index.js";
import { parseStat } from "../../../src/services/proc-stat.js";
import { FakeClock } from "../support/fake-clock.js";

interface Fake {
  name?: string;
  ppid?: number;
  startTicks?: number;
  uid?: number;
}

/** A /proc that can be changed. The fake clock's monotonic time is 5 s at the start: start ticks count from 0. */
function setUp(t: ExecutionContext, options: Partial<ProcessTableOptions> = {}) {
  const procRoot = mkdtempSync(join(tmpdir(), "skep-proc-"));
  t.teardown(() => rmSync(procRoot, { recursive: true }));
  const clock = new FakeClock();
  const kill = (pid: number) => rmSync(join(procRoot, String(pid)), { recursive: true, force: true });
  const spawn = (pid: number, { name = "bee", ppid = 1, startTicks = 100, uid = 1000 }: Fake = {}) => {
    kill(pid);
    mkdirSync(join(procRoot, String(pid)));
    const file = (base: string, text: string) => writeFileSync(join(procRoot, String(pid), base), text);
    file("stat", `${pid} (${name}) S ${ppid} ${"0 ".repeat(17)}${startTicks} 0 0\n`);
    file("status", `Name:\t${name}\nUmask:\t0022\nUid:\t${uid}\t0\t0\t0\n`);
    file("cgroup", "1:cpu:/old\n0::/hive.slice/bee.service\n");
    symlinkSync("/usr/bin/bee", join(procRoot, String(pid), "exe"));
  };
  const table = createProcessTable({ procRoot, clock, ...options });
  const nowNs = () => clock.monotonicNs();
  return { table, clock, spawn, kill, nowNs };
}

test("a process is what /proc says it is", (t) => {
  const { table, spawn } = setUp(t);
  spawn(7, { name: "queen) (2", ppid: 3, startTicks: 42 });
  t.like(table.get(7), { pid: 7, ppid: 3, name: "queen) (2", uid: 1000, startTicks: 42, exitedNs: undefined });
  t.is(table.get(7)?.executable, "/usr/bin/bee");
  t.is(table.get(7)?.cgroup, "/hive.slice/bee.service");
  t.is(table.get(8), undefined);
  t.is(table.nameOf(8), "");
});

test("this very process has its name in the default table of the real /proc", (t) => {
  const table = createProcessTable({ procRoot: "/proc", clock: systemClock });
  const self = table.get(process.pid, process.hrtime.bigint());
  t.is(self?.ppid, process.ppid);
  t.true(self!.executable!.includes("node"));
  t.is(table.get(process.pid, 0n), undefined);
});

test("an answer is believed for a while, then /proc is asked again", async (t) => {
  const { table, clock, spawn } = setUp(t);
  spawn(7);
  t.is(table.nameOf(7), "bee");
  spawn(7, { name: "wasp" });
  t.is(table.nameOf(7), "bee");
  await clock.advance(10_000);
  t.is(table.nameOf(7), "wasp");
});

test("an exited process stays known for the grace period and no longer", async (t) => {
  const { table, clock, spawn, kill } = setUp(t, { graceMs: 60_000 });
  spawn(7);
  t.is(table.nameOf(7), "bee");
  kill(7);
  await clock.advance(10_000);
  t.is(table.nameOf(7), "bee");
  t.not(table.get(7)?.exitedNs, undefined);
  await clock.advance(60_000);
  t.is(table.nameOf(7), "");
});

test("a reused pid is another process: each observation gets the name of its time", async (t) => {
  const { table, clock, spawn, nowNs } = setUp(t);
  spawn(7, { name: "first", startTicks: 100 });
  t.is(table.nameOf(7), "first");
  const early = nowNs();
  await clock.advance(20_000);
  spawn(7, { name: "second", startTicks: 2400 });
  const late = nowNs();
  t.is(table.nameOf(7, late), "second");
  t.is(table.nameOf(7, early), "first");
  t.is(table.nameOf(7), "second");
});

test("a pid that was asked for too late is not given the name of who has it now", (t) => {
  const { table, spawn } = setUp(t);
  spawn(7, { name: "newcomer", startTicks: 400 });
  t.is(table.nameOf(7, 2_000_000_000n), "");
  t.is(table.nameOf(7, 4_500_000_000n), "newcomer");
});

test("a process that came and went between two questions has its name from the events", (t) => {
  const { table, spawn, nowNs } = setUp(t);
  spawn(1, { name: "shell", startTicks: 1, uid: 5 });
  table.get(1);
  const at = nowNs();
  table.apply({ kind: "fork", pid: 30, ppid: 1, timeNs: at });
  t.like(table.get(30, at), { name: "shell", ppid: 1, uid: 5 });
  table.apply({ kind: "exec", pid: 30, timeNs: at, name: "curl", uid: 6 });
  table.apply({ kind: "exit", pid: 30, timeNs: at });
  t.like(table.get(30, at), { name: "curl", uid: 6, exitedNs: at });
});

test("an exec that is the first thing heard of a process, and an exit that is, give it its name", (t) => {
  const { table, nowNs } = setUp(t);
  table.apply({ kind: "exec", pid: 31, timeNs: nowNs(), name: "dig" });
  table.apply({ kind: "exit", pid: 32, timeNs: nowNs(), name: "nc" });
  t.is(table.nameOf(31), "dig");
  t.is(table.nameOf(32), "nc");
});

test("what an event said and what /proc says is one process, not two", async (t) => {
  const { table, clock, spawn, nowNs } = setUp(t);
  table.apply({ kind: "fork", pid: 30, ppid: 1, timeNs: nowNs() });
  spawn(30, { name: "daemon", startTicks: 501 });
  await clock.advance(10_000);
  const life = table.get(30);
  t.like(life, { name: "daemon", startTicks: 501, exitedNs: undefined });
  t.is(table.get(30, nowNs() - 9_000_000_000n), life);
});

test("a fork of a pid whose exit was missed begins another life", (t) => {
  const { table, spawn, kill, nowNs } = setUp(t);
  spawn(7, { name: "old" });
  t.is(table.nameOf(7), "old");
  kill(7);
  table.apply({ kind: "fork", pid: 7, ppid: 1, timeNs: nowNs() });
  table.apply({ kind: "exec", pid: 7, timeNs: nowNs(), name: "new" });
  t.is(table.nameOf(7, nowNs()), "new");
  t.is(table.nameOf(7, 2_000_000_000n), "old");
});

test("memory is bounded, and who exited goes first", (t) => {
  const { table, spawn, nowNs } = setUp(t, { maxEntries: 50 });
  spawn(7, { name: "alive" });
  t.is(table.nameOf(7), "alive");
  for (let pid = 1000; pid < 3000; pid++) {
    table.apply({ kind: "exec", pid, timeNs: nowNs(), name: `p${pid}` });
    table.apply({ kind: "exit", pid, timeNs: nowNs() });
  }
  t.is(table.nameOf(7), "alive");
  t.is(table.nameOf(1000), "");
  t.is(table.nameOf(2999), "p2999");
});

test("a name in /proc/PID/stat may hold anything and is still told from the numbers behind it", (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), fc.nat(), fc.nat(), (comm, ppid, startTicks) => {
      const line = `1 (${comm}) S ${ppid} ${"0 ".repeat(17)}${startTicks} 9 9`;
      t.deepEqual(parseStat(line), { comm, ppid, startTicks });
    }),
  );
  t.is(parseStat("no such line"), undefined);
});
