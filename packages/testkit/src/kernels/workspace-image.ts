// SPDX-License-Identifier: MIT
import { copyFile, cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildObjects } from "@skep/bpf-toolchain";
import ts from "typescript";
import { cProgram } from "../live/compile-c.js";
import { goProgram } from "../live/compile-go.js";
import { commandFolder, guestWorkspace } from "./base-image.js";
import { cacheFolder, onceText } from "./cache.js";
import { makeImage } from "./image.js";
import type { Tell } from "./tell.js";

/** Conditional exports of a package, as far as they matter here. */
type Exports = string | null | { readonly [condition: string]: Exports };

/** Made on the host for another host, or only for the compiler. */
const leftOut = /(\.d\.[cm]?ts|\.map|\.tsbuildinfo|\.arm64\.bpf\.o)$/;

/**
 * The workspace's packages as an image: TypeScript transpiled to JavaScript beside where it was, BPF objects and other
 * built files from `dist`, so that the guest needs no compiler. `folder` must be empty.
 */
export async function makeWorkspaceImage(workspace: string, folder: string, tell: Tell): Promise<string> {
  const packages = join(workspace, "packages");
  const stage = join(folder, "packages");
  await mkdir(join(stage, commandFolder), { recursive: true });
  for (const name of await readdir(packages)) await stagePackage(join(packages, name), join(stage, name), tell);
  const image = join(folder, "packages.ext4");
  await makeImage(stage, image, 16);
  return image;
}

async function stagePackage(source: string, target: string, tell: Tell): Promise<void> {
  const manifest = await readFile(join(source, "package.json"), "utf8").catch(() => undefined);
  if (manifest === undefined) return;
  await mkdir(target, { recursive: true });
  const parsed = JSON.parse(manifest) as PackageManifest;
  await writeFile(join(target, "package.json"), JSON.stringify(guestManifest(parsed)));
  for (const [name, script] of Object.entries(guestCommands(parsed, basename(source)))) {
    await writeFile(join(dirname(target), commandFolder, name), script, { mode: 0o755 });
  }
  const links = { recursive: true, verbatimSymlinks: true } as const;
  await cp(join(source, "node_modules"), join(target, "node_modules"), links).catch(() => {});
  await buildTestObjects(source, tell);
  await buildTestPrograms(source, tell);
  const packed = (parsed.files ?? []).filter((file) => /^\w+$/.test(file) && file !== "dist");
  for (const room of new Set(["src", "test", "bin", ...packed]))
    await stageSources(join(source, room), join(target, room));
  await stageBuilt(join(source, "dist"), join(target, "dist"));
}

/** As far as it matters here. */
export interface PackageManifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Exports;
  /** What npm packs of it; a folder besides `dist` is read at run time. */
  readonly files?: readonly string[];
  readonly [field: string]: unknown;
}

/**
 * The manifest for the guest: where development resolves to a TypeScript source (condition `skep-source`),
 * the guest resolves to what was made of it, with no condition at all.
 */
export function guestManifest(manifest: PackageManifest): PackageManifest {
  if (manifest.exports === undefined) return manifest;
  return { ...manifest, exports: guestExports(manifest.exports) };
}

function guestExports(exports: Exports): Exports {
  if (exports === null || typeof exports === "string") return exports;
  const source = exports["skep-source"];
  if (typeof source === "string") return source.replace(/\.ts$/, ".js");
  return Object.fromEntries(Object.entries(exports).map(([key, value]) => [key, guestExports(value)]));
}

/** Name to shell script for the commands of a package, run from what their sources became. */
export function guestCommands(manifest: PackageManifest, folder: string): Record<string, string> {
  const script = (file: string) => {
    const source = file.replace(/^(\.\/)?dist\//, "src/");
    return `#!/bin/sh\nexec node ${guestWorkspace}/packages/${folder}/${source} "$@"\n`;
  };
  return Object.fromEntries(Object.entries(manifest.bin ?? {}).map(([name, file]) => [name, script(file)]));
}

async function stageSources(source: string, target: string): Promise<void> {
  for (const file of await filesBelow(source)) {
    const to = join(target, file);
    await mkdir(dirname(to), { recursive: true });
    if (/(?<!\.d)\.ts$/.test(file)) await writeFile(to.replace(/\.ts$/, ".js"), await transpiled(join(source, file)));
    else if (!leftOut.test(file)) await copyFile(join(source, file), to);
  }
}

/**
 * Compiles the BPF programs of a package's live tests into its `dist/test-bpf/<name>.x64.bpf.o`: the guest has no compiler,
 * so a test that compiles its own programs takes them from there when `SKEP_KERNEL` is set.
 */
async function buildTestObjects(folder: string, tell: Tell): Promise<void> {
  const sources = (await filesBelow(join(folder, "test", "live"))).filter((file) => file.endsWith(".bpf.c"));
  if (sources.length === 0) return;
  const objects = Object.fromEntries(sources.map((file) => [basename(file, ".bpf.c"), join("test", "live", file)]));
  const include = ["/usr/include/x86_64-linux-gnu"];
  try {
    await buildObjects({
      directory: folder,
      objects,
      include,
      arch: ["x64"],
      out: join("dist", "test-bpf"),
      codecs: {},
    });
  } catch (error) {
    // The tests that need these programs will fail; the others need not.
    tell(`${basename(folder)}: ${(error as Error).message}`);
  }
}

/** Compiles the C and Go programs of a package's live tests, which find them by `cProgram` and `goProgram`. */
async function buildTestPrograms(folder: string, tell: Tell): Promise<void> {
  for (const file of await filesBelow(join(folder, "test", "live"))) {
    const source = pathToFileURL(join(folder, "test", "live", file));
    try {
      if (file.endsWith(".c") && !file.endsWith(".bpf.c")) cProgram(source);
      else if (basename(file) === "go.mod") goProgram(source);
    } catch (error) {
      tell(`${basename(folder)}: ${file} cannot be compiled: ${(error as Error).message}`);
    }
  }
}

/** Built files that no transpiling replaces: BPF objects and compiled C programs. */
async function stageBuilt(source: string, target: string): Promise<void> {
  for (const file of await filesBelow(source)) {
    if (leftOut.test(file) || file.endsWith(".js")) continue;
    await mkdir(dirname(join(target, file)), { recursive: true });
    await copyFile(join(source, file), join(target, file));
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  inlineSourceMap: true,
};

/** JavaScript of a TypeScript file. Transpiling is most of a run's preparation, so each version of a file is done once. */
async function transpiled(file: string): Promise<string> {
  const source = await readFile(file, "utf8");
  const build = () => ts.transpileModule(source, { fileName: file, compilerOptions }).outputText;
  return onceText(
    join(cacheFolder(), "transpiled"),
    [ts.version, JSON.stringify(compilerOptions), file, source],
    build,
  );
}
