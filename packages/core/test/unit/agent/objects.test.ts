// SPDX-License-Identifier: MIT

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";
import { readObjects } from "../../../src/agent/objects.js";
import { testPlugin } from "../support/plugins.js";

test("the objects of the host's architecture are read", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skep-objects-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "a.bpf.o"), "ELF!");
  const plugin = testPlugin("a", undefined, { objects: { main: { x64: pathToFileURL(join(folder, "a.bpf.o")) } } });
  t.deepEqual(Buffer.from((await readObjects(plugin, "x64"))["main"]!).toString(), "ELF!");
});

test("an object that is missing is named, with the mend", async (t) => {
  const missing = testPlugin("a", undefined, { objects: { main: { x64: new URL("file:///nowhere/a.bpf.o") } } });
  const error = await t.throwsAsync(readObjects(missing, "x64"), { code: "SKEP_ERR_OBJECT" });
  t.regex(error.message, /plugin a: BPF object main cannot be read/);
  await t.throwsAsync(readObjects(missing, "arm64"), { message: "plugin a has no BPF object main for arm64" });
});
