// SPDX-License-Identifier: MIT

import anyTest, { type TestFn } from "ava";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Attach, Backend, Session } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { group, request } from "./support/request.js";

const test = anyTest as TestFn<{ directory: string; path: string; backend: Backend; session: Session }>;
const bytes = await compile("user");

test.beforeEach(async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "skep-ticker-"));
  const path = join(directory, "ticker");
  execFileSync("cc", ["-O1", "-o", path, fileURLToPath(new URL("support/ticker.c", import.meta.url))]);
  const backend = libbpfBackend();
  const session = await backend.open(
    request({
      objects: { user: bytes },
      probes: {
        ticks: group({ name: "uprobes", programs: { on_call: { kind: "uprobe" }, on_return: { kind: "uretprobe" } } }),
      },
    }),
  );
  await session.attach(); // nothing: the probes have no target yet
  t.context = { directory, path, backend, session };
});
test.afterEach.always(async (t) => {
  await t.context.backend?.close();
  rmSync(t.context.directory, { recursive: true });
});

/** A running ticker; `tick` resolves once its function has returned. */
function start(t: { teardown(fn: () => void): void }, path: string) {
  const child = spawn(path, [], { stdio: ["pipe", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid!,
    async tick(...numbers: number[]): Promise<void> {
      for (const number of numbers) {
        child.stdin.write(`${number}\n`);
        await lines.next();
      }
    },
  };
}
function tally(session: Session, pid: number): { calls: number; sum: number } | undefined {
  const found = session.map("user_tallies").lookup(new Uint8Array(Uint32Array.of(pid).buffer));
  if (found === undefined) return undefined;
  const [calls, sum] = new BigUint64Array(found.buffer);
  return { calls: Number(calls), sum: Number(sum) };
}

test.serial("a symbol of an executable is seen in every process that runs it, until the link is closed", async (t) => {
  const { session, path } = t.context;
  const [one, two] = [start(t, path), start(t, path)];
  const link = session.attachTo("on_call", { kind: "uprobe", target: { path }, symbol: "tick" });
  await one.tick(1, 2, 3);
  await two.tick(40);
  t.deepEqual(tally(session, one.pid), { calls: 3, sum: 6 });
  t.deepEqual(tally(session, two.pid), { calls: 1, sum: 40 });
  link.close();
  await one.tick(100);
  t.deepEqual(tally(session, one.pid), { calls: 3, sum: 6 });
});

test.serial("a probe held to one process does not see another that runs the same file", async (t) => {
  const { session, path } = t.context;
  const [one, two] = [start(t, path), start(t, path)];
  session.attachTo("on_call", { kind: "uprobe", target: { pid: one.pid }, symbol: "tick" });
  await two.tick(9);
  await one.tick(5);
  t.deepEqual(tally(session, one.pid), { calls: 1, sum: 5 });
  t.is(tally(session, two.pid), undefined);
});

test.serial("a probe of a file held to one process does not see another that runs the same file", async (t) => {
  const { session, path } = t.context;
  const [one, two] = [start(t, path), start(t, path)];
  session.attachTo("on_call", { kind: "uprobe", target: { path, pid: one.pid }, symbol: "tick" });
  await two.tick(9);
  await one.tick(5);
  t.deepEqual(tally(session, one.pid), { calls: 1, sum: 5 });
  t.is(tally(session, two.pid), undefined);
});

test.serial("a return probe sees what the function returned", async (t) => {
  const { session, path } = t.context;
  const one = start(t, path);
  session.attachTo("on_return", { kind: "uretprobe", target: { path }, symbol: "tick" });
  await one.tick(7, 8);
  t.deepEqual(tally(session, one.pid), { calls: 2, sum: 150 });
});

test.serial("an offset in the file is as good as a symbol", async (t) => {
  const { session, path } = t.context;
  const [address] = execFileSync("nm", [path], { encoding: "utf8" }).match(/^[0-9a-f]+(?= T tick$)/m) ?? [];
  const one = start(t, path);
  // In a position-independent executable the text segment's addresses are its offsets in the file.
  session.attachTo("on_call", { kind: "uprobe", target: { path }, offset: BigInt(`0x${address}`) });
  await one.tick(3);
  t.deepEqual(tally(session, one.pid), { calls: 1, sum: 3 });
});

test.serial("what cannot be probed says why", (t) => {
  const { session, path } = t.context;
  const attach = (where: Attach) => () => session.attachTo("on_call", where);
  t.throws(attach({ kind: "uprobe", target: { path }, symbol: "tock" }), { message: /uprobe .*ticker tock.*: ENOENT/ });
  t.throws(attach({ kind: "uprobe", target: { path, pid: process.pid }, symbol: "tock" }), {
    message: new RegExp(`ticker tock in process ${process.pid}.*: ENOENT`),
  });
  t.throws(attach({ kind: "uprobe", target: { path: `${path}x` }, symbol: "tick" }), { message: /ENOENT/ });
  t.throws(attach({ kind: "uprobe", target: { path } }), { message: /has no symbol or offset/ });
  t.throws(attach({ kind: "uprobe", symbol: "tick" }), { message: /has no target/ });
});
