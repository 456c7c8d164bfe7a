// SPDX-License-Identifier: MIT

import { cProgram, spawnIn, type Teardown } from "@skep/testkit";
import anyTest, { type TestFn } from "ava";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Attach, Backend, Session } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { group, request } from "./support/request.js";

const test = anyTest as TestFn<{ directory: string; path: string; backend: Backend; session: Session }>;
const bytes = await compile("user");

test.beforeEach(async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "skep-ticker-"));
  const path = join(directory, "ticker");
  // A copy: probes are those of a file, for everybody who runs it.
  copyFileSync(cProgram(new URL("support/ticker.c", import.meta.url)), path);
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
async function start(t: Teardown, path: string) {
  const { pid, lines, writeLine } = spawnIn(t, {}, path);
  const address = (await lines.next()).value as string;
  return {
    pid,
    /** Of its function. */
    address: BigInt(address),
    async tick(...numbers: number[]): Promise<void> {
      for (const number of numbers) {
        writeLine(String(number));
        await lines.next();
      }
    },
  };
}

/** Where an address of a process lies in the file that is mapped there. */
function fileOffset(pid: number, address: bigint): bigint {
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const [, from, to, offset] = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+)/.exec(line) ?? [];
    const [begin, end, first] = [from, to, offset].map((text) => BigInt(`0x${text ?? 0}`));
    if (address >= begin! && address < end!) return address - begin! + first!;
  }
  throw new Error(`nothing is mapped at ${address} of process ${pid}`);
}

function tally(session: Session, pid: number): { calls: number; sum: number } | undefined {
  const found = session.map("user_tallies").lookup(new Uint8Array(Uint32Array.of(pid).buffer));
  if (found === undefined) return undefined;
  const [calls, sum] = new BigUint64Array(found.buffer);
  return { calls: Number(calls), sum: Number(sum) };
}

test.serial("a symbol of an executable is seen in every process that runs it, until the link is closed", async (t) => {
  const { session, path } = t.context;
  const [one, two] = [await start(t, path), await start(t, path)];
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
  const [one, two] = [await start(t, path), await start(t, path)];
  session.attachTo("on_call", { kind: "uprobe", target: { pid: one.pid }, symbol: "tick" });
  await two.tick(9);
  await one.tick(5);
  t.deepEqual(tally(session, one.pid), { calls: 1, sum: 5 });
  t.is(tally(session, two.pid), undefined);
});

test.serial("a probe of a file held to one process does not see another that runs the same file", async (t) => {
  const { session, path } = t.context;
  const [one, two] = [await start(t, path), await start(t, path)];
  session.attachTo("on_call", { kind: "uprobe", target: { path, pid: one.pid }, symbol: "tick" });
  await two.tick(9);
  await one.tick(5);
  t.deepEqual(tally(session, one.pid), { calls: 1, sum: 5 });
  t.is(tally(session, two.pid), undefined);
});

test.serial("a return probe sees what the function returned", async (t) => {
  const { session, path } = t.context;
  const one = await start(t, path);
  session.attachTo("on_return", { kind: "uretprobe", target: { path }, symbol: "tick" });
  await one.tick(7, 8);
  t.deepEqual(tally(session, one.pid), { calls: 2, sum: 150 });
});

test.serial("an offset in the file is as good as a symbol", async (t) => {
  const { session, path } = t.context;
  const one = await start(t, path);
  session.attachTo("on_call", { kind: "uprobe", target: { path }, offset: fileOffset(one.pid, one.address) });
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
