// SPDX-License-Identifier: MIT
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock, fakeKernel, fileSink, recordingBackend } from "@skep/backend-replay";
import type { Plugin } from "@skep/core";
import test, { type ExecutionContext } from "ava";
import { encode, golden, type GoldenOptions, inOrder, mask, relativeTime, rigOn } from "../../src/index.js";
import { beat, toy } from "./support/toy.js";

/** A recording of two minutes in a folder of the test's own. */
async function recorded(t: ExecutionContext): Promise<{ path: string; expected: string }> {
  const folder = mkdtempSync(join(tmpdir(), "skep-golden-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "hearts.bpfrec");
  const clock = fakeClock();
  const kernel = fakeKernel({ plugin: toy });
  const backend = recordingBackend(kernel, () => fileSink(path), {
    plugins: [toy],
    monotonicNs: () => clock.monotonicNs(),
    unixNs: () => clock.unixNs(),
  });
  const rig = await rigOn(backend, toy, { clock });
  for (const [count, comm] of [[1, "cat"], [2, "dog"], [3, "cat"]] as const) {
    kernel.ring("beats").push(encode(beat, { count, comm }));
    await clock.advance(30_000);
  } // prettier-ignore
  await rig.stop();
  return { path, expected: join(folder, "hearts.expected.ndjson") };
}

/** Whether golden() passes, and what it says when it does not. */
async function outcome(t: ExecutionContext, plugin: Plugin, path: string, options?: GoldenOptions) {
  const attempt = await t.try((tt) => golden(tt, plugin, path, options));
  attempt.discard();
  const said = attempt.errors.map((error) => [error.message, JSON.stringify(error)].join(" ")).join("\n");
  return { passed: attempt.passed, said };
}

const lines = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as object); // prettier-ignore

test.serial("a golden is written on demand, and then is what the plugin must emit", async (t) => {
  const { path, expected } = await recorded(t);
  const missing = await outcome(t, toy, path);
  t.false(missing.passed);
  t.regex(missing.said, /UPDATE_GOLDEN=1/);

  process.env["UPDATE_GOLDEN"] = "1";
  t.teardown(() => delete process.env["UPDATE_GOLDEN"]);
  t.true((await outcome(t, toy, path)).passed);
  delete process.env["UPDATE_GOLDEN"];
  const point = (time: string, comm: string, count: number) => ({
    measurement: "beats",
    time,
    tags: { comm, host: "test-host", service: "ebpf" },
    fields: { count },
  });
  t.deepEqual(lines(expected), [
    point("1000000060000000000", "cat", 1),
    point("1000000060000000000", "dog", 2),
    point("1000000090000000000", "cat", 3),
  ]);
  t.true((await outcome(t, toy, path)).passed);
  t.false((await outcome(t, toy, path, { config: { step: 2 } })).passed);
});

test.serial("a recording with other layouts fails with re-record, not with a difference", async (t) => {
  const { path, expected } = await recorded(t);
  writeFileSync(expected, "");
  const wider = { ...beat, layout: { ...beat.layout, size: beat.layout.size + 8 } };
  const { passed, said } = await outcome(t, { ...toy, streams: { beats: { map: "beats", codec: wider } } }, path);
  t.false(passed);
  t.regex(said, /re-record/);
});

test.serial("a plugin that throws or cannot start fails its golden", async (t) => {
  const { path, expected } = await recorded(t);
  writeFileSync(expected, "");
  const throwing: Plugin = { ...toy, setup: () => ({ flush() { throw new Error("flush broke"); } }) }; // prettier-ignore
  t.regex((await outcome(t, throwing, path)).said, /flush broke/);
  const dead: Plugin = { ...toy, setup: () => Promise.reject(new Error("setup broke")) };
  t.regex((await outcome(t, dead, path)).said, /setup broke/);
});

test("normalisers mask what differs from run to run and leave the rest", (t) => {
  const point = { measurement: "m", category: "network" as const, time: 70n, tags: { pid: "12", a: "b" }, fields: { n: 5, k: 1 } };
  const normalise = inOrder(mask("pid", "n", "absent"), relativeTime());
  t.deepEqual(normalise(point), { ...point, time: 0n, tags: { pid: "*", a: "b" }, fields: { n: 0, k: 1 } });
  t.is(normalise({ ...point, time: 75n })?.time, 5n);
  t.is(inOrder(() => undefined, mask("pid"))(point), undefined);
}); // prettier-ignore
