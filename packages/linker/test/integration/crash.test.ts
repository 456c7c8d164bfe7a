// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Point } from "@skep/core";
import { encodePoints } from "@skep/exporter-datakit";
import test from "ava";
import { call, Collected } from "../support/spans.js";

const program = fileURLToPath(new URL("../support/linker-process.ts", import.meta.url));

async function start(directory: string, windowMs: number): Promise<{ child: ChildProcess; port: number }> {
  const node = ["--import=./scripts/ts-node.mjs", "--conditions=skep-source", "--no-warnings"];
  const files = [join(directory, "spans.db"), String(windowMs), join(directory, "out.ndjson")];
  const child = spawn(process.execPath, [...node, program, ...files], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout!, "data")) as [Buffer];
  return { child, port: Number(port.toString()) };
}

async function post(port: number, points: readonly Point[]): Promise<boolean> {
  try {
    const headers = { "content-type": "application/protobuf; proto=com.guance.Point" };
    const body = encodePoints(points);
    const response = await fetch(`http://127.0.0.1:${port}/v1/bpftracing`, { method: "POST", headers, body });
    return response.status === 200;
  } catch {
    return false;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function exported(directory: string): Collected {
  const collected = new Collected();
  const file = join(directory, "out.ndjson");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  // A line that the kill cut off was not taken, and is exported again.
  for (const line of lines) if (line.endsWith("}}")) collected.points.push(JSON.parse(line) as Point);
  return collected;
}

test("a linker that is killed in the middle of a window loses nothing it acknowledged, and every tree is the true one", async (t) => {
  t.timeout(120_000);
  const directory = mkdtempSync(join(tmpdir(), "skep-linker-"));
  const requests = 600;
  // Chains of three calls; the ends of each are far apart in what is sent.
  const chain = (n: number) => [0, 1, 2].map((step) => call(3 * n + step, 10 * n + step, 10 * n + step + 1));
  const chains = Array.from({ length: requests }, (_, n) => chain(n));
  const spans = [
    ...chains.flatMap((calls) => calls.map(({ out }) => out)),
    ...chains.flatMap((calls) => calls.map((c) => c.in)),
  ];
  const batches = Array.from({ length: spans.length / 40 }, (_, n) => spans.slice(n * 40, n * 40 + 40));

  let { child, port } = await start(directory, 1_000);
  t.teardown(async () => {
    await kill(child);
    rmSync(directory, { recursive: true });
  });
  let kills = 0;
  for (let at = 0; at < batches.length;) {
    // Twice while spans come: the kill falls somewhere into the request or before it.
    const doomed = at === 25 || at === 60 ? kills++ < 2 : false;
    const taken = post(port, batches[at]!);
    if (doomed) await kill(child);
    if (await taken) at++;
    if (doomed) ({ child, port } = await start(directory, 1_000));
  }
  // And once while they are exported.
  const deadline = Date.now() + 60_000;
  const wait = async (done: () => boolean) => {
    while (!done() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await wait(() => exported(directory).points.length > 0);
  await kill(child);
  ({ child } = await start(directory, 1_000));
  const names = (points: readonly Point[]) => new Set(points.map(({ fields }) => fields["resource"]));
  await wait(() => names(exported(directory).points).size === spans.length);

  const result = exported(directory);
  t.is(names(result.points).size, spans.length);
  const parents = result.parents(); // throws for a span that is exported twice with different parents
  for (let n = 0; n < requests; n++) {
    t.is(parents.get(`out${3 * n}`), "");
    for (const step of [0, 1, 2]) t.is(parents.get(`in${3 * n + step}`), `out${3 * n + step}`);
    for (const step of [1, 2]) t.is(parents.get(`out${3 * n + step}`), `in${3 * n + step - 1}`);
  }
  const ids = new Set(
    result.points.map(({ fields }) => `${fields["resource"]} ${fields["span_id"]} ${fields["trace_id"]}`),
  );
  t.is(ids.size, spans.length, "a span that is exported twice has the same ids");
});
