// SPDX-License-Identifier: MIT

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import {
  type Attach,
  attachToFiles,
  type FileProbe,
  type FileProbes,
  type FileWatcher,
  type MappedFile,
  type PluginContext,
  type Scope,
  silentLogger,
} from "../../../src/index.js";
import { elfFile, segment } from "../support/elf-file.js";
import { FakeClock } from "../support/fake-clock.js";

const onRead: FileProbe = { program: "on_read", kind: "uretprobe", symbol: "SSL_read" };
const onPeek: FileProbe = { program: "on_peek", kind: "uprobe", symbol: "SSL_peek", optional: true };

interface Options extends Partial<FileProbes> {
  readonly scope?: Scope;
  refuse?: (where: Attach) => void;
}

async function setUp(t: ExecutionContext, { scope = {}, refuse, ...files }: Options = {}) {
  const directory = mkdtempSync(join(tmpdir(), "skep-attach-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const clock = new FakeClock();
  const links: string[] = [];
  const reasons: string[] = [];
  const abort = new AbortController();
  let watcher!: FileWatcher;
  let watching = true;
  const context = {
    scope,
    signal: abort.signal,
    log: silentLogger,
    degrade: (reason: string) => {
      reasons.push(reason);
      return () => void reasons.splice(reasons.indexOf(reason), 1);
    },
    every: (ms: number, fn: () => void) => {
      const turn = () => clock.after(ms, () => (fn(), turn()));
      turn();
    },
    sleep: (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve)),
    attachTo(program: string, where: Attach) {
      refuse?.(where);
      if (where.kind !== "uretprobe" && where.kind !== "uprobe") throw new Error(where.kind);
      const { path, pid } = where.target as { path: string; pid?: number };
      const link = `${program} ${path.slice(directory.length + 1)}${pid === undefined ? "" : `@${pid}`}+${where.offset}`;
      links.push(link);
      const close = () => void links.splice(links.indexOf(link), 1);
      return { close, closeSoon: async () => close() };
    },
    use: () => ({
      async watch(given: FileWatcher) {
        watcher = given;
        return { close: () => (watching = false) };
      },
    }),
  } as unknown as PluginContext;
  const attached = await attachToFiles(context, {
    what: "TLS libraries",
    wanted: () => true,
    probesFor: () => [onRead, onPeek],
    ...files,
  });
  /** A file with these functions, at 1, 2, 3... bytes, used by a process. */
  const file = (pid: number, name: string, functions: readonly string[] = ["SSL_read"]): MappedFile => {
    const openPath = join(directory, name);
    const at = (index: number) => segment.address - segment.offset + 0x100n + BigInt(index + 1);
    const symbols = functions.map((symbol, index) => ({ name: symbol, address: at(index) }));
    writeFileSync(openPath, elfFile(symbols));
    return { pid, path: `/lib/${name}`, openPath, id: name, isProgram: false, program: "/bin/curl" };
  };
  return { watcher, links, reasons, clock, attached, file, abort, isWatching: () => watching };
}

test("on the whole host a file is probed once, for every process, until some time after the last one is gone", async (t) => {
  const { watcher, links, file, clock, attached } = await setUp(t);
  watcher.found(file(10, "libssl.so"));
  watcher.found(file(11, "libssl.so"));
  t.deepEqual(links, ["on_read libssl.so+257"]);
  watcher.gone!(file(10, "libssl.so"));
  await clock.advance(60_000);
  t.is(links.length, 1);
  watcher.gone!(file(11, "libssl.so"));
  t.is(links.length, 1);
  await clock.advance(60_000);
  t.deepEqual(links, []);
  t.is(attached.attached, 0);
});

test("a program that comes back soon finds its probes still there", async (t) => {
  const { watcher, links, file, clock } = await setUp(t);
  const attachments = () => links.length;
  for (let pid = 10; pid < 20; pid++) {
    watcher.found(file(pid, "libssl.so"));
    t.is(attachments(), 1);
    watcher.gone!(file(pid, "libssl.so"));
    await clock.advance(100);
  }
  watcher.found(file(20, "libssl.so"));
  await clock.advance(60_000);
  t.is(attachments(), 1);
});

test("in a scope each process is probed apart, and let go of at its end", async (t) => {
  const { watcher, links, file, attached } = await setUp(t, { scope: { pids: [1] } });
  watcher.found(file(10, "libssl.so"));
  watcher.found(file(11, "libssl.so"));
  t.deepEqual(links, ["on_read libssl.so@10+257", "on_read libssl.so@11+257"]);
  t.is(attached.attached, 2);
  watcher.gone!(file(10, "libssl.so"));
  t.deepEqual(links, ["on_read libssl.so@11+257"]);
});

test("a file that others use too is probed per process on the whole host as well", async (t) => {
  const { watcher, links, file } = await setUp(t, { perProcess: (mapped) => mapped.id === "libreadline.so" });
  watcher.found(file(10, "libreadline.so"));
  watcher.found(file(10, "bash"));
  t.deepEqual(links, ["on_read libreadline.so@10+257", "on_read bash+257"]);
});

test("what is rarely called is probed once per file in a scope too", async (t) => {
  const { watcher, links, file, clock } = await setUp(t, { scope: { pids: [1] }, perProcess: () => false });
  watcher.found(file(10, "bash"));
  watcher.found(file(11, "bash"));
  t.deepEqual(links, ["on_read bash+257"]);
  watcher.gone!(file(10, "bash"));
  watcher.gone!(file(11, "bash"));
  await clock.advance(60_000);
  t.deepEqual(links, []);
});

test("files that are probed ahead are so before anybody runs them, and stay so", async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), "skep-ahead-")), "bash");
  t.teardown(() => rmSync(join(path, ".."), { recursive: true }));
  writeFileSync(path, elfFile([{ name: "SSL_read", address: segment.address }]));
  const { watcher, attached, reasons, clock, file } = await setUp(t, { ahead: [path, "/nonexistent/bash", path] });
  t.is(attached.attached, 1);
  const { dev, ino } = statSync(path);
  const user = { ...file(10, "bash"), openPath: path, id: `${dev}:${ino}` };
  watcher.found(user);
  t.is(attached.attached, 1, "its processes need no other");
  watcher.gone!(user);
  await clock.advance(60_000);
  t.is(attached.attached, 1);
  t.deepEqual(reasons, []);
});

test("symbols a file may lack are left out, of several names the first it has is taken", async (t) => {
  const either: FileProbe = { program: "on_either", kind: "uprobe", symbol: ["SSL_write_ex", "SSL_write", "SSL_read"] };
  const told: [string, number][] = [];
  const { watcher, links, file, reasons } = await setUp(t, {
    probesFor: () => [onPeek, either],
    attached: ({ id }, probes) => told.push([id, probes]),
  });
  watcher.found(file(10, "old.so", ["SSL_read", "SSL_write"]));
  watcher.found(file(10, "new.so", ["SSL_read", "SSL_peek", "SSL_write_ex"]));
  t.deepEqual(links, ["on_either old.so+258", "on_peek new.so+258", "on_either new.so+259"]);
  t.deepEqual(told, [
    ["old.so", 1],
    ["new.so", 2],
  ]);
  t.deepEqual(reasons, []);
});

test("a file without any of the symbols is no failure when all are optional, and is not read again", async (t) => {
  const told: number[] = [];
  let looked = 0;
  const { watcher, file, reasons } = await setUp(t, {
    probesFor: () => (looked++, [onPeek]),
    attached: (_, probes) => told.push(probes),
  });
  for (const pid of [10, 11]) watcher.found(file(pid, "node", ["main"]));
  t.deepEqual(told, [0, 0]);
  t.is(looked, 1);
  t.deepEqual(reasons, []);
});

test("a program in which nothing is found degrades the plugin while it runs, unless a library of it has what is expected", async (t) => {
  const { watcher, file, reasons, clock } = await setUp(t, { expects: () => "line editor", probesFor: () => [onPeek] });
  const program = (pid: number) => ({ ...file(pid, "bash", ["main"]), isProgram: true });
  watcher.found(program(10));
  watcher.found(program(11));
  watcher.found(file(11, "libreadline.so", ["SSL_peek"]));
  await clock.advance(20_000);
  t.deepEqual(reasons, ["TLS libraries: /lib/bash (process 10) has no line editor to be probed"]);
  watcher.gone!(program(10));
  t.deepEqual(reasons, []);
});

test("an offset is taken as it is", async (t) => {
  const { watcher, links, file } = await setUp(t, {
    probesFor: () => [{ program: "on_return", kind: "uprobe", offset: 77n }],
  });
  watcher.found(file(10, "server"));
  t.deepEqual(links, ["on_return server+77"]);
});

test("files that cannot be probed degrade the plugin once, with the reason, and are counted; nothing throws", async (t) => {
  const { watcher, links, file, reasons, attached } = await setUp(t, {
    refuse: ({ kind }) => {
      if (kind === "uprobe") throw new Error("EOPNOTSUPP");
    },
  });
  watcher.found(file(10, "a.so", ["main"]));
  watcher.found(file(11, "a.so", ["main"]));
  watcher.found(file(10, "b.so", ["SSL_read", "SSL_peek"]));
  watcher.found({ ...file(10, "c.so"), openPath: import.meta.filename });
  t.deepEqual(links, [], "what was attached before the failure is detached");
  t.is(attached.failed, 3);
  t.deepEqual(reasons, ["TLS libraries: /lib/a.so (process 10) cannot be probed: it has no function SSL_read"]);
});

test("a process that is gone before it could be probed is no failure", async (t) => {
  const { watcher, links, file, reasons, attached } = await setUp(t);
  watcher.found({ ...file(10, "a.so"), openPath: "/nonexistent/exe" });
  t.deepEqual([links, reasons, attached.failed], [[], [], 0]);
  watcher.found(file(11, "a.so"));
  t.is(links.length, 1, "the next one is probed");
});

test("closing ends the watching and the probes; the end of the plugin ends the watching", async (t) => {
  const one = await setUp(t);
  one.watcher.found(one.file(10, "a.so"));
  one.attached.close();
  t.deepEqual(one.links, []);
  t.false(one.isWatching());
  const other = await setUp(t);
  other.abort.abort();
  t.false(other.isWatching());
});
