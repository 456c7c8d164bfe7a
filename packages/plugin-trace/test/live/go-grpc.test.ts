// SPDX-License-Identifier: MIT
// Whose streams grpc-go writes, against what clients and handlers say of their own goroutines.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "@skep/core";
import { liveTests, spawnIn, until } from "@skep/testkit";
import test from "ava";
import { GoScene } from "./go-scene.js";

const live = await liveTests(test, ["root", "cgroup2", "tp_btf", "uprobe", "command:go"]);
const count = 2_000;

/** The program of test/go-grpc; `flags` say how it is built. */
function build(folder: string, flags: readonly string[]): string {
  const path = join(folder, "grpc");
  execFileSync("go", ["build", "-o", path, ...flags, "."], {
    cwd: fileURLToPath(new URL("../go-grpc", import.meta.url)),
    env: { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  return path;
}

/** Why the program cannot be built: without a network its modules may be missing. */
function whyNot(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "skep-go-grpc-"));
  try {
    build(folder, []);
    return undefined;
  } catch (error) {
    return messageOf(error).trim().split("\n").at(-1);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const missing = whyNot();

interface Call {
  readonly asker: number;
  readonly answerer: number;
}

for (const [kind, atOnce, flags] of [
  ["", 1, []],
  ["", 64, []],
  [", stripped and position-independent", 64, ["-ldflags=-s -w", "-buildmode=pie"]],
] as const) {
  const title = `grpc-go${kind}, ${atOnce} at once: every stream is the goroutine's that asked, and the one's that answered`;
  if (missing !== undefined) {
    test.skip(`${title} (skipped: ${missing})`, () => {});
    continue;
  }
  live(["uprobe", "command:go"], title, async (t) => {
    t.timeout(300_000);
    const scene = new GoScene(t);
    await scene.observe();
    const peer = spawnIn(t, { cgroup: scene.cgroup }, build(scene.folder, flags), [String(count), String(atOnce)]);
    t.is((await peer.lines.next()).value, "ready");
    await until(() => scene.probed.has(peer.pid), { what: "the program is probed", deadlineMs: 30_000 });
    peer.writeLine();
    const { value } = await peer.lines.next();
    if (value === undefined) t.fail((await peer.exited).stderr);
    const calls = JSON.parse(value!) as readonly Call[];
    t.is(calls.length, count);

    // Both ends of the connection have a writer of their own, and number the streams alike.
    const streams = await scene.streams();
    t.is(streams.size, 2, "goroutines that write for others");
    const [one, other] = [...streams.values()];
    const askers = new Set(calls.map(({ asker }) => asker));
    const [asked, answered] = [...one!.values()].some((goroutine) => askers.has(goroutine))
      ? [one!, other!]
      : [other!, one!];
    const told = [...asked].map(([stream, asker]) => `${asker} ${answered.get(stream)}`);
    t.deepEqual(told.sort(), calls.map(({ asker, answerer }) => `${asker} ${answerer}`).sort());
    for (const [writer, entries] of streams) {
      const [stream, goroutine] = [...entries][0]!;
      t.is(scene.goroutines!.askerOf(peer.pid, BigInt(writer), stream), BigInt(goroutine));
      t.is(scene.goroutines!.originOf(peer.pid, BigInt(writer)), undefined, "it works for nobody in particular");
    }
    peer.writeLine();
    await peer.exited;
  });
}
