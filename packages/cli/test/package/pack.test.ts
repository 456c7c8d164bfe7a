// SPDX-License-Identifier: MIT
// What a user gets from npm: each package packed, then installed into an empty project and used from there.
import anyTest, { type TestFn } from "ava";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Plugin } from "@skep/core";
import { packAll, type PackedPackage } from "./workspace.js";

const execute = promisify(execFile);
const test = anyTest as TestFn<{ readonly project: string; readonly packages: readonly PackedPackage[] }>;

test.before("pack", (t) => {
  const project = mkdtempSync(join(tmpdir(), "skep-pack-"));
  t.context = { project, packages: packAll(project) };
});

test.after.always("remove the project", (t) => {
  if (t.context.project) rmSync(t.context.project, { recursive: true, force: true });
});

test("every package carries code, types, README and licence, and nothing of how it was made", (t) => {
  t.true(t.context.packages.length >= 8);
  for (const { manifest, files } of t.context.packages) {
    for (const needed of ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"]) {
      t.true(files.includes(needed), `${manifest.name} lacks ${needed}`);
    }
    const scrap = files.filter((file) =>
      /(^|\/)(src|test|node_modules)\/|tsbuildinfo$|tsconfig|\.test\.|^dist\/traffic$/.test(file),
    );
    t.deepEqual(scrap, [], manifest.name);
    for (const source of files.filter((file) => file.endsWith(".js") && file.startsWith("dist/"))) {
      t.true(files.includes(source.replace(/\.js$/, ".d.ts")), `${manifest.name}: ${source} has no types`);
    }
  }
});

test("a plugin carries its objects for both architectures and the C they were made from", async (t) => {
  const plugins = t.context.packages.filter(({ manifest }) => manifest.skep !== undefined);
  const withoutObjects: string[] = [];
  for (const { folder, manifest, files } of plugins) {
    const entry = pathToFileURL(join(folder, manifest.skep!.entry)).href;
    const { default: plugin } = (await import(entry)) as { default: Plugin };
    const objects = Object.entries(plugin.objects);
    if (objects.length === 0) withoutObjects.push(manifest.name);
    for (const [name, { x64, arm64 }] of objects) {
      t.true(files.includes(`bpf/${name}.bpf.c`), `${manifest.name} lacks the C source of ${name}`);
      for (const object of [x64, arm64]) {
        const file = relative(folder, fileURLToPath(object!));
        t.true(files.includes(file), `${manifest.name} lacks ${file}`);
      }
    }
  }
  t.deepEqual(withoutObjects, ["@skep/plugin-kubernetes"], "the others observe the kernel");
});

test("a manifest says what npm and Node ask, and leads to files that are there", (t) => {
  for (const { manifest, files } of t.context.packages) {
    const { name, license, type, keywords, engines, exports, bin = {}, dependencies = {}, skep } = manifest;
    t.is(license, "MIT", name);
    t.is(type, "module", name);
    t.is(engines["node"], ">=20.19", name);
    t.true(keywords.includes("ebpf"), name);
    t.false(JSON.stringify(exports).includes("skep-source"), `${name} leads to sources that are not shipped`);
    const targets = Object.values(exports).flatMap((entry) =>
      typeof entry === "string" ? entry : Object.values(entry),
    );
    for (const target of [...targets, ...Object.values(bin), ...(skep === undefined ? [] : [skep.entry])]) {
      t.true(files.includes(target.replace(/^\.\//, "")), `${name}: ${target} is not packed`);
    }
    for (const [dependency, range] of Object.entries(dependencies)) {
      t.regex(range, /^[\^~]?\d/, `${name} needs ${dependency} by something only the workspace knows`);
    }
  }
});

test.serial("installed into an empty project, an agent runs by import, by require and as a command", async (t) => {
  const { project, packages } = t.context;
  const dependencies = Object.fromEntries(packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, dependencies }));
  await execute("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], { cwd: project });

  const body = `
    const ticks = defineMeasurement({ name: "ticks", category: "logging", description: "-", tags: {}, fields: { n: field("int", "1", "-") } });
    const plugin = definePlugin({
      name: "ticker", version: "1.0.0", description: "-", config: net.config,
      measurements: [ticks], objects: {}, probes: {}, streams: {}, capabilities: [],
      setup: (context) => ({ flush: (time) => { context.count("observed"); context.emit(ticks.point(time, {}, { n: 1 })); } }),
    });
    const backend = { name: "none", probe: async () => ({ supported: false }), choose: async () => ({}), open: async () => { throw new Error("no BPF here"); }, close: async () => {} };
    (async () => {
      const agent = createAgent({ backend, plugins: [plugin] });
      agent.on("point", (point) => console.log(point.measurement + " " + point.fields.n));
      await agent.start();
      await agent.stop();
    })();
  `;
  const names = "createAgent, defineMeasurement, definePlugin, field";
  writeFileSync(
    join(project, "agent.mjs"),
    `import { ${names} } from "@skep/core"; import net from "@skep/plugin-net"; ${body}`,
  );
  writeFileSync(
    join(project, "agent.cjs"),
    `const { ${names} } = require("@skep/core"); const { default: net } = require("@skep/plugin-net"); ${body}`,
  );
  for (const script of ["agent.mjs", "agent.cjs"]) {
    const { stdout } = await execute(process.execPath, [script], { cwd: project });
    t.is(stdout, "ticks 1\n", script);
  }

  const { stdout: described } = await execute(join(project, "node_modules/.bin/skep"), ["plugins", "--json"], {
    cwd: project,
  });
  t.true((JSON.parse(described) as { name: string }[]).some(({ name }) => name === "ebpf-net"));
});

const root = process.getuid?.() === 0;
(root ? test.serial : test.serial.skip)(
  `the installed command observes a real kernel${root ? "" : ": needs root"}`,
  async (t) => {
    const skep = join(t.context.project, "node_modules/.bin/skep");
    const client = `
    const server = require("net").createServer((s) => s.end("x".repeat(1000))).listen(0, "127.0.0.1", () =>
      require("net").connect(server.address().port, "127.0.0.1").resume().on("close", () => server.close()));`;
    const { stdout } = await execute(skep, ["run", "--output", "ndjson", "--", process.execPath, "-e", client], {
      cwd: t.context.project,
    });
    const points = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { fields: { bytes_read: number } });
    t.is(
      points.reduce((sum, { fields }) => sum + fields.bytes_read, 0),
      1000,
    );
  },
);
