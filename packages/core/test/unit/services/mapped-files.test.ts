// SPDX-License-Identifier: MIT

import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { createProcessTable, type MappedFile, type ProcessEvent, type Scope } from "../../../src/index.js";
import { createMappedFiles } from "../../../src/services/mapped-files-observer.js";
import { parseMaps } from "../../../src/services/mapped-files-proc.js";
import { FakeClock } from "../support/fake-clock.js";
import { fakeProc } from "../support/fake-proc.js";

const wantShellsAndTls = (path: string, isProgram: boolean) =>
  isProgram ? basename(path) === "bash" : /^lib(ssl|readline)\.so/.test(basename(path));

function setUp(t: ExecutionContext, scope: Scope = {}) {
  const proc = fakeProc(t);
  const clock = new FakeClock();
  const processes = createProcessTable({ procRoot: proc.procRoot, clock });
  const mapped = createMappedFiles({ procRoot: proc.procRoot, clock, scope, processes });
  /** What a watcher was told, as `+pid name` and `-pid name`. */
  const told: string[] = [];
  const files: MappedFile[] = [];
  const watch = (wanted = wantShellsAndTls) =>
    mapped.watch({
      wanted,
      found: (file) => {
        files.push(file);
        told.push(`+${file.pid} ${basename(file.path)}`);
      },
      gone: (file) => told.push(`-${file.pid} ${basename(file.path)}`),
    });
  const event = (kind: ProcessEvent["kind"], pid: number, ppid = 1) => {
    const timeNs = clock.monotonicNs();
    if (kind === "fork") processes.apply({ kind, pid, ppid, timeNs });
    else processes.apply({ kind, pid, timeNs, name: "bee" });
  };
  return { ...proc, clock, processes, mapped, told, files, watch, event };
}

test("what runs already is told before the watch resolves, and only what is wanted", async (t) => {
  const { spawn, watch, told, files, procRoot } = setUp(t);
  spawn(10, { program: "bin/bash", libraries: ["lib/libc.so.6", "lib/libreadline.so.8"] });
  spawn(11, { program: "bin/cat", libraries: ["lib/libc.so.6"] });
  await watch();
  t.deepEqual(told, ["+10 bash", "+10 libreadline.so.8"]);
  t.like(files[0], { pid: 10, isProgram: true, openPath: join(procRoot, "10/exe") });
  t.is(files[0]!.program, files[0]!.path);
  t.like(files[1], { isProgram: false, program: files[0]!.path });
  for (const { openPath, id } of files) {
    const { dev, ino } = statSync(openPath);
    t.is(id, `${dev}:${ino}`);
  }
});

test("a program is told at its exec, its libraries as soon as they are mapped", async (t) => {
  const { spawn, watch, told, clock, event } = setUp(t);
  await watch();
  spawn(10, { program: "bin/bash" });
  event("exec", 10);
  t.deepEqual(told, ["+10 bash"]);
  spawn(10, { program: "bin/bash", libraries: ["lib/libreadline.so.8"] });
  await clock.advance(1);
  t.deepEqual(told, ["+10 bash", "+10 libreadline.so.8"]);
});

test("a library loaded a second after the exec is told then, one loaded much later by the slow walk", async (t) => {
  const { spawn, watch, told, clock, event } = setUp(t);
  await watch();
  spawn(10, { program: "bin/cat" });
  event("exec", 10);
  await clock.advance(700);
  spawn(10, { program: "bin/cat", libraries: ["lib/libssl.so.3"] });
  await clock.advance(500);
  t.deepEqual(told, ["+10 libssl.so.3"]);
  await clock.advance(2_000);
  spawn(10, { program: "bin/cat", libraries: ["lib/libssl.so.3", "lib/libreadline.so.8"] });
  await clock.advance(30_000);
  t.deepEqual(told, ["+10 libssl.so.3", "+10 libreadline.so.8"]);
});

test("a library is known from the program's last run before it is mapped", async (t) => {
  const { spawn, kill, watch, told, files, clock, event } = setUp(t);
  await watch();
  spawn(10, { program: "bin/curl", libraries: ["lib/libssl.so.3"] });
  event("exec", 10);
  await clock.advance(1);
  event("exit", 10);
  kill(10);
  spawn(11, { program: "bin/curl" });
  event("exec", 11);
  t.deepEqual(told, ["+10 libssl.so.3", "-10 libssl.so.3", "+11 libssl.so.3"]);
  t.is(files[1]!.id, files[0]!.id);
  spawn(11, { program: "bin/curl", libraries: ["lib/libssl.so.3"] });
  await clock.advance(5_000);
  t.is(told.length, 3, "and is not told again when it is mapped");
});

test("a program that was seen whole is looked at less often the next time", async (t) => {
  const { spawn, watch, clock, event } = setUp(t);
  await watch();
  spawn(10, { program: "bin/cat" });
  event("exec", 10);
  t.is(clock.timers[0], 1);
  await clock.advance(2_000);
  event("exec", 10);
  t.is(clock.timers[0], 100);
});

test("the end of a process and another program end what it mapped, once", async (t) => {
  const { spawn, watch, told, event, clock } = setUp(t);
  spawn(10, { program: "bin/bash" });
  spawn(11, { program: "bin/bash" });
  await watch();
  spawn(10, { program: "bin/cat" });
  event("exec", 10);
  event("exit", 11);
  event("exit", 11);
  await clock.advance(10);
  t.deepEqual(told.slice(2), ["-10 bash", "-11 bash"]);
});

test("a fork has its parent's files unless it becomes another program at once", async (t) => {
  const { spawn, watch, told, event, clock } = setUp(t);
  spawn(10, { program: "bin/bash", libraries: ["lib/libreadline.so.8"] });
  await watch();
  for (const pid of [11, 12]) {
    spawn(pid, { program: "bin/bash", libraries: ["lib/libreadline.so.8"], ppid: 10 });
    event("fork", pid, 10);
  }
  spawn(12, { program: "bin/ls" });
  event("exec", 12);
  await clock.advance(10);
  t.deepEqual(told.slice(2), ["+11 bash", "+11 libreadline.so.8"]);
});

test("without events a walk finds new programs, execs, ends and pids that are used again", async (t) => {
  const { spawn, kill, watch, told, clock } = setUp(t);
  for (const pid of [10, 11, 12]) spawn(pid, { program: "bin/bash" });
  await watch();
  told.length = 0;
  spawn(10, { program: "bin/cat" });
  kill(11);
  spawn(12, { program: "bin/bash", startTicks: 900 });
  spawn(13, { program: "bin/bash" });
  await clock.advance(5_000);
  t.deepEqual(told.sort(), ["+12 bash", "+13 bash", "-10 bash", "-11 bash", "-12 bash"]);
});

test("only processes in scope are told: below a cgroup, in a network namespace, a process and its descendants", async (t) => {
  const base = setUp(t);
  const cgroup = join(base.directory, "cgroup/hive.slice");
  mkdirSync(cgroup, { recursive: true });
  const netns = base.file("blue");
  const scope = { cgroups: [cgroup], netns: [netns], pids: [20] };
  base.mountinfo(`30 24 0:26 / ${join(base.directory, "cgroup")} rw - cgroup2 cgroup2 rw\n`);
  const { ino } = statSync(netns);
  base.spawn(10, { program: "bin/bash", cgroup: "/hive.slice" });
  base.spawn(11, { program: "bin/bash", cgroup: "/hive.slice/inner" });
  base.spawn(12, { program: "bin/bash", cgroup: "/hive.slices" });
  base.spawn(13, { program: "bin/bash", netns: ino });
  base.spawn(20, { program: "bin/cat" });
  base.spawn(21, { program: "bin/bash", ppid: 20 });
  base.spawn(22, { program: "bin/bash", ppid: 21 });
  const found: number[] = [];
  const { procRoot, clock, processes } = base;
  await createMappedFiles({ procRoot, clock, scope, processes }).watch({
    wanted: wantShellsAndTls,
    found: ({ pid }) => found.push(pid),
  });
  t.deepEqual(found, [10, 11, 13, 21, 22]);
});

test("a process stays in scope when its parent is gone", async (t) => {
  const { spawn, kill, watch, told, clock } = setUp(t, { pids: [20] });
  spawn(20, { program: "bin/cat" });
  spawn(21, { program: "bin/bash", ppid: 20 });
  await watch();
  kill(20);
  spawn(21, { program: "bin/bash", ppid: 1 });
  await clock.advance(60_000);
  t.deepEqual(told, ["+21 bash"]);
});

test("one file under several names has one id, another file with the same name another", async (t) => {
  const { spawn, watch, files, file } = setUp(t);
  const path = file("bin/bash");
  mkdirSync(join(path, "../../jail"));
  linkSync(path, join(path, "../../jail/bash"));
  spawn(10, { program: "bin/bash" });
  spawn(11, { program: "jail/bash" });
  spawn(12, { program: "other/bash" });
  await watch();
  const ids = files.map(({ id }) => id);
  t.is(ids[0], ids[1]);
  t.not(ids[0], ids[2]);
});

test("a deleted or replaced library is opened by its mapping, never by its name", async (t) => {
  const { spawn, watch, files, file, of } = setUp(t);
  spawn(10, { program: "bin/cat", libraries: ["lib/libssl.so.3"] });
  const path = file("lib/libssl.so.3");
  renameSync(path, `${path}.old`);
  writeFileSync(path, "a newer version");
  const [range] = readdirSync(of(10, "map_files")).slice(1);
  rmSync(of(10, "map_files", range!));
  symlinkSync(`${path}.old`, of(10, "map_files", range!));
  await watch();
  t.is(files[0]!.openPath, of(10, "map_files", range!));
  t.is(files[0]!.path, path);
});

test("without the right to follow mappings a library is opened by its name, while that is the same file", async (t) => {
  const { spawn, watch, told, files, file, of } = setUp(t);
  for (const pid of [10, 11]) spawn(pid, { program: "bin/cat", libraries: ["lib/libssl.so.3"] });
  for (const pid of [10, 11]) rmSync(of(pid, "map_files"), { recursive: true });
  const path = file("lib/libssl.so.3");
  const handle = await watch();
  t.is(files[0]!.openPath, of(10, "root", path));
  handle.close();
  renameSync(path, `${path}.old`);
  writeFileSync(path, "a newer version");
  told.length = 0;
  await watch();
  t.deepEqual(told, []);
});

test("each watcher is told what it wants, and nothing after it is closed; without watchers nothing is read", async (t) => {
  const { spawn, watch, told, clock, event, mapped } = setUp(t);
  spawn(10, { program: "bin/bash" });
  const asked: string[] = [];
  const first = await watch();
  const second = await mapped.watch({
    wanted: (path, isProgram) => asked.push(`${basename(path)} ${isProgram}`) > 0 && !isProgram,
    found: ({ pid, path }) => told.push(`second +${pid} ${basename(path)}`),
  });
  t.deepEqual(told, ["+10 bash"]);
  t.deepEqual(asked, ["bash true"]);
  first.close();
  spawn(11, { program: "bin/bash", libraries: ["lib/libssl.so.3"] });
  event("exec", 11);
  await clock.advance(1);
  t.deepEqual(told, ["+10 bash", "second +11 libssl.so.3"]);
  second.close();
  second.close();
  t.deepEqual(clock.timers, []);
  event("exec", 11);
  t.deepEqual(clock.timers, []);
});

test("a watcher that throws disturbs neither the other watchers nor whoever feeds the events", async (t) => {
  const { spawn, watch, told, event, mapped } = setUp(t);
  const angry = () => {
    throw new Error("stung");
  };
  await mapped.watch({ wanted: () => true, found: angry, gone: angry });
  await watch();
  spawn(10, { program: "bin/bash" });
  t.notThrows(() => event("exec", 10));
  t.notThrows(() => event("exit", 10));
  t.deepEqual(told, ["+10 bash", "-10 bash"]);
});

test("kernel threads and processes that are gone by the time they are looked at are passed over", async (t) => {
  const { spawn, watch, told, event, of, clock } = setUp(t);
  spawn(2, { program: "bin/bash" });
  rmSync(of(2, "exe"));
  await watch();
  event("exec", 99);
  event("fork", 98);
  await clock.advance(2_000);
  t.deepEqual(told, []);
});

test("lines of /proc/PID/maps that are not code of a file are none", (t) => {
  const maps = [
    "55d0c0a00000-55d0c0a2f000 r--p 00000000 fe:01 1311017    /usr/bin/bash",
    "55d0c0a2f000-55d0c0b00000 r-xp 0002f000 fe:01 1311017    /usr/bin/bash",
    "55d0c0c00000-55d0c0c01000 r-xp 0002f000 fe:01 1311017    /usr/bin/bash",
    "7f0000000000-7f0000001000 r-xp 00000000 fe:01 42    /srv/a b/lib\\012x.so (deleted)",
    "7f1000000000-7f1000001000 rwxp 00000000 00:00 0 ",
    "7f2000000000-7f2000001000 rwxp 00000000 00:00 0    [heap]",
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]",
    "00400000-00401000 r-xp 00000000 fe:01 43    /bin/static",
  ].join("\n");
  t.deepEqual(parseMaps(maps), [
    { path: "/usr/bin/bash", inode: "1311017", range: "55d0c0a2f000-55d0c0b00000" },
    { path: "/srv/a b/lib\nx.so", inode: "42", range: "7f0000000000-7f0000001000" },
    { path: "/bin/static", inode: "43", range: "400000-401000" },
  ]);
});

test("no text makes the reader of maps throw", (t) => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseMaps(text))));
  t.pass();
});
