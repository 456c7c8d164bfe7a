// SPDX-License-Identifier: MIT
import test from "ava";
import type { Kernel } from "../../../src/kernels/fetch.js";
import type { Ending } from "../../../src/kernels/machine.js";
import { lastWords, mapLimited, runPersistently } from "../../../src/kernels/matrix.js";

const kernel: Kernel = {
  ...{ recipe: 1, label: "6.1", version: "6.1.176-1", release: "6.1.0", suite: "bookworm", bootModules: [] },
  ...{ folder: "", vmlinux: "", modulesImage: "" },
};
const job = { script: "", append: "", interactive: false, deadlines: { bootMs: 1, jobMs: 1 } };
const lost: Ending = { kind: "lost", reason: "no job after 60 s" };
const exited = (status: number): Ending => ({ kind: "exited", status, release: "6.1.0", bootMs: 1 });

/** Machines that end as told, one after the other. */
async function attempt(endings: readonly Ending[]) {
  const left = [...endings];
  const told: string[] = [];
  const guests = { run: () => Promise.resolve({ ending: left.shift() ?? lost, serialLog: "Kernel panic\n" }) };
  const sinks = { out: () => undefined, err: () => undefined };
  const result = await runPersistently(
    guests,
    kernel,
    job,
    () => sinks,
    (line) => told.push(line),
  );
  return { result, told };
}

test("a lost machine is tried again and the loss is told", async (t) => {
  const { result, told } = await attempt([lost, exited(0)]);
  t.deepEqual(result.ending, exited(0));
  t.is(result.attempts, 2);
  t.deepEqual(told, ["6.1: attempt 1 lost: no job after 60 s; the console said: Kernel panic"]);
});

test("of a long console log the panic is told, not the register dump after it", (t) => {
  t.is(
    lastWords("[1] Kernel panic - not syncing: x\n[2] RSP: 0\n[3] ---[ end\n"),
    "the console said: [1] Kernel panic - not syncing: x",
  );
  t.is(lastWords("[1] booting\r\n\n"), "the console said: [1] booting");
  t.is(lastWords(""), "the console said nothing");
});

test("after three losses the machine is given up", async (t) => {
  const { result } = await attempt([lost, lost, lost, exited(0)]);
  t.is(result.attempts, 3);
  t.is(result.ending.kind, "lost");
});

test("a failed test is never tried again", async (t) => {
  const { result } = await attempt([exited(1), exited(0)]);
  t.deepEqual(result.ending, exited(1));
  t.is(result.attempts, 1);
});

test("a job that ran out of time is not tried again", async (t) => {
  const { result } = await attempt([{ kind: "late", release: "6.1.0" }, exited(0)]);
  t.is(result.attempts, 1);
});

test("no more than the limit run at a time and results keep their order", async (t) => {
  let running = 0;
  let most = 0;
  const results = await mapLimited([5, 1, 3, 2], 2, async (item) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return item * 10;
  });
  t.deepEqual(results, [50, 10, 30, 20]);
  t.is(most, 2);
});
