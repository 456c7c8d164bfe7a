// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { run, type RunResult } from "../../src/tools.js";
import { makePackage } from "./workspace.js";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const preload = join(root, "scripts/ts-node.mjs");
const main = `import { main } from ${JSON.stringify(join(root, "packages/bpf-toolchain/src/cli.ts"))}; process.exitCode = await main();`;

// The command runs in packages elsewhere, from where ts-node would not find how this workspace is compiled.
process.env["TS_NODE_PROJECT"] ??= join(root, "tsconfig.json");

/** The command as its bin runs it, from sources. */
function skepBpf(directory: string, ...args: string[]): Promise<RunResult> {
  const node = ["--import", preload, "--conditions=skep-source", "--no-warnings", "--input-type=module", "-e", main];
  return run(process.execPath, [...node, "--", "skep-bpf", ...args], directory);
}

test("build says what it made, and the second time that all is up to date", async (t) => {
  const directory = await makePackage(t);
  const first = await skepBpf(directory, "build");
  t.is(first.status, 0, first.stderr);
  t.regex(first.stdout, /^dist\/bpf\/zoo\.x64\.bpf\.o {2}built, \d+ bytes$/m);
  const second = await skepBpf(directory);
  t.deepEqual(second.stdout.match(/up to date/g)?.length, 3);
});

test("named sources, directories and a codec of one's own are built without package.json", async (t) => {
  const directory = await makePackage(t, { "package.json": "{}" });
  const args = ["bpf", "--arch", "arm64", "--out", "out", "--codec", "count.gen.ts", "--struct", "zoo_count"];
  const { status, stdout, stderr } = await skepBpf(directory, "build", ...args);
  t.is(status, 0, stderr);
  t.regex(stdout, /^out\/zoo\.arm64\.bpf\.o {2}built/);
  t.regex(await readFile(join(directory, "count.gen.ts"), "utf8"), /export const zooCount = /);
});

test("codec prints the module for any object", async (t) => {
  const directory = await makePackage(t);
  await skepBpf(directory, "build");
  const { stdout } = await skepBpf(directory, "codec", "dist/bpf/zoo.x64.bpf.o", "--struct", "zoo_record,zoo_count");
  t.is(stdout, await readFile(join(directory, "zoo.gen.ts"), "utf8"));
});

test("an error is one message with its code, the mend below it and status 1", async (t) => {
  const directory = await makePackage(t, { "zoo.gen.ts": "" });
  const { status, stderr } = await skepBpf(directory, "build", "--check");
  t.is(status, 1);
  t.regex(stderr, /^skep-bpf: zoo\.gen\.ts is not .* \[SKEP_ERR_BUILD\]\n {2}run skep-bpf build/);
  t.is((await skepBpf(directory, "build", "absent.bpf.c")).status, 1);
});
