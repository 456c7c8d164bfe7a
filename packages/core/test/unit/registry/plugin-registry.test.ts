// SPDX-License-Identifier: MIT

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createPluginRegistry } from "../../../src/index.js";
import { testPlugin } from "../support/plugins.js";

/** Source of a module whose default export has the shape of a plugin. */
const source = (name: string, before = "") => `${before}
export default {
  api: "1.0", name: ${JSON.stringify(name)}, version: "1.0.0", description: "found",
  config: { safeParse: (data) => ({ success: true, data }), shape: {} },
  measurements: [], objects: {}, probes: {}, streams: {}, capabilities: [], setup: () => ({}),
};`;

const manifest = (skep: object | undefined, more: object = {}) =>
  JSON.stringify({ type: "module", ...more, ...(skep && { skep }) });

/** A directory with these files, and a registry that looks from it. */
function setUp(t: ExecutionContext, files: Record<string, string>, builtins = [testPlugin("ebpf-net")]) {
  const from = mkdtempSync(join(tmpdir(), "skep-registry-"));
  t.teardown(() => rmSync(from, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(from, file)), { recursive: true });
    writeFileSync(join(from, file), text);
  }
  return { from, registry: createPluginRegistry({ builtins, from }) };
}

test("a registered plugin wins over a package of the same name", async (t) => {
  const { registry } = setUp(t, { "node_modules/skep-plugin-ebpf-net/package.json": "not even JSON" });
  const [plugin] = await registry.resolve(["ebpf-net"]);
  t.is(plugin?.description, "for tests");
  t.deepEqual(registry.names, ["ebpf-net"]);
});

for (const [asked, folder] of [
  ["bees", "skep-plugin-bees"],
  ["skep-plugin-bees", "skep-plugin-bees"],
  ["bees", "bees"],
  ["@hive/bees", "@hive/skep-plugin-bees"],
  ["@hive/bees", "@hive/bees"],
] as const) {
  test(`the name ${asked} finds the package ${folder}`, async (t) => {
    const { registry } = setUp(t, {
      [`node_modules/${folder}/package.json`]: manifest({ api: "1.0", entry: "./lib/main.js" }),
      [`node_modules/${folder}/lib/main.js`]: source("bees"),
    });
    t.deepEqual(
      (await registry.resolve(["ebpf-net", asked])).map(({ name }) => name),
      ["ebpf-net", "bees"],
    );
  });
}

test("a package in a node_modules further up is found, and its exports tell where it begins", async (t) => {
  const { from } = setUp(t, {
    "node_modules/skep-plugin-bees/package.json": manifest(
      { api: "1.0" },
      { exports: { ".": { types: "./x.d.ts", import: "./esm.js" } } },
    ),
    "node_modules/skep-plugin-bees/esm.js": source("bees"),
    "deep/down/here.txt": "",
  });
  const registry = createPluginRegistry({ from: join(from, "deep/down") });
  t.is((await registry.resolve(["bees"]))[0]?.name, "bees");
});

test("a plugin is found by path: a package's folder, or a file", async (t) => {
  const { registry } = setUp(t, {
    "mine/package.json": manifest({ api: "1.0", entry: "index.js" }),
    "mine/index.js": source("mine"),
    "lone.mjs": source("lone"),
  });
  t.deepEqual(
    (await registry.resolve(["./mine", "./lone.mjs"])).map(({ name }) => name),
    ["mine", "lone"],
  );
});

test("a plugin for another API is refused before any of its code runs", async (t) => {
  const key = `skep_test_${process.pid}_ran`;
  const { registry } = setUp(t, {
    "node_modules/skep-plugin-new/package.json": manifest({ api: "2.0", entry: "index.js" }),
    "node_modules/skep-plugin-new/index.js": source("new", `globalThis.${key} = true;`),
  });
  const refused = registry.resolve(["new"]);
  await t.throwsAsync(refused, {
    code: "SKEP_ERR_PLUGIN_API",
    message: /package skep-plugin-new .* 2\.0, this is 1\.0/,
  });
  t.false(key in globalThis);
});

test("an unknown name is answered with the nearest right one, or with what to install", async (t) => {
  const { registry } = setUp(t, {});
  const near = await t.throwsAsync(registry.resolve(["ebpf-nte"]), { code: "SKEP_ERR_PLUGIN_UNKNOWN" });
  t.is((near as { hint?: string }).hint, "did you mean ebpf-net?");
  const far = await t.throwsAsync(registry.resolve(["honey"]), { code: "SKEP_ERR_PLUGIN_UNKNOWN" });
  t.is(
    far.message,
    "plugin honey is neither built in nor installed as skep-plugin-honey or honey; built in are ebpf-net",
  );
  t.is((far as { hint?: string }).hint, "npm install skep-plugin-honey");
});

test("a package that does not say it is a plugin is not imported", async (t) => {
  const { registry } = setUp(t, {
    "node_modules/honey/package.json": manifest(undefined),
    "node_modules/honey/index.js": "throw new Error('imported')",
  });
  await t.throwsAsync(registry.resolve(["honey"]), {
    code: "SKEP_ERR_PLUGIN_SHAPE",
    message: /package honey does not say/,
  });
});

test("a default export that is no plugin is told what it lacks", async (t) => {
  const { registry } = setUp(t, {
    "node_modules/skep-plugin-odd/package.json": manifest({ api: "1.0", entry: "index.js" }),
    "node_modules/skep-plugin-odd/index.js": source("odd").replace(", setup: () => ({})", "").replace('"odd"', "7"),
  });
  const error = await t.throwsAsync(registry.resolve(["odd"]), { code: "SKEP_ERR_PLUGIN_SHAPE" });
  t.regex(error.message, /missing or wrong are name \(a name\), setup \(a function\)$/);
});

test("a package that throws when it is imported is named", async (t) => {
  const { registry } = setUp(t, {
    "node_modules/skep-plugin-bad/package.json": manifest({ api: "1.0", entry: "index.js" }),
    "node_modules/skep-plugin-bad/index.js": "throw new Error('not today')",
  });
  const refused = registry.resolve(["bad"]);
  await t.throwsAsync(refused, {
    code: "SKEP_ERR_PLUGIN_FAILED",
    message: /skep-plugin-bad cannot be imported: not today/,
  });
});

test("two packages with plugins of one name are refused, one name twice is not", async (t) => {
  const { registry } = setUp(t, { "one.mjs": source("same"), "two.mjs": source("same") });
  t.is((await registry.resolve(["./one.mjs", "./one.mjs"])).length, 1);
  await t.throwsAsync(registry.resolve(["./one.mjs", "./two.mjs"]), { code: "SKEP_ERR_PLUGIN_DUPLICATE" });
});
