// SPDX-License-Identifier: MIT

import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";

/** A package that says it holds a plugin, none of its code run yet. */
export interface FoundPackage {
  /** Package name or path, for messages. */
  readonly label: string;
  /** `skep.api` of package.json; undefined for a lone file, which has none. */
  readonly api: string | undefined;
  /** What to import. */
  readonly entry: URL;
}

interface Manifest {
  readonly main?: unknown;
  readonly exports?: unknown;
  readonly skep?: { readonly api?: unknown; readonly entry?: unknown };
}

const isPath = (name: string): boolean => isAbsolute(name) || /^(\.\.?\/|file:)/.test(name);

/** Package names a plugin name may stand for, the likeliest first. */
export function packageNames(name: string): string[] {
  const [, scope = "", bare = name] = /^(@[^/]+\/)(.+)$/.exec(name) ?? [];
  return bare.startsWith("skep-plugin-") ? [name] : [`${scope}skep-plugin-${bare}`, name];
}

/**
 * Finds the package of a plugin: by path, or by name from `from` upwards. Undefined when there is none.
 * @throws SkepError `SKEP_ERR_PLUGIN_SHAPE` when there is one that does not say it is a plugin.
 */
export async function findPackage(name: string, from: string): Promise<FoundPackage | undefined> {
  if (isPath(name)) return findPath(name, from);
  const folders = createRequire(join(resolve(from), "noop.js")).resolve.paths(`${name}/`) ?? [];
  for (const candidate of packageNames(name)) {
    for (const folder of folders) {
      const found = await readPackage(join(folder, candidate), candidate);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function findPath(name: string, from: string): Promise<FoundPackage | undefined> {
  const path = name.startsWith("file:") ? fileURLToPath(name) : resolve(from, name);
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) return undefined;
  if (there.isDirectory()) return readPackage(path, name);
  return { label: name, api: await apiOfFile(path), entry: pathToFileURL(path) };
}

/** A file inside a plugin package is held to what the package says; a lone file only to its own `api`. */
async function apiOfFile(path: string): Promise<string | undefined> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = await readManifest(folder);
    if (manifest !== undefined) return typeof manifest.skep?.api === "string" ? manifest.skep.api : undefined;
    if (folder === dirname(folder)) return undefined;
  }
}

async function readPackage(folder: string, label: string): Promise<FoundPackage | undefined> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) return undefined;
  const { skep } = manifest;
  if (typeof skep?.api !== "string") {
    throw new SkepError("SKEP_ERR_PLUGIN_SHAPE", `package ${label} does not say that it is a plugin`, {
      hint: 'a plugin\'s package.json has "skep": { "api": "1.0", "entry": "./dist/index.js" }',
    });
  }
  const entry = typeof skep.entry === "string" ? skep.entry : entryOf(manifest);
  return { label, api: skep.api, entry: pathToFileURL(join(folder, entry)) };
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  const file = join(folder, "package.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Manifest;
  } catch (cause) {
    throw new SkepError("SKEP_ERR_PLUGIN_SHAPE", `${file} is no JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Where a package without `skep.entry` begins: its `exports`, else its `main`. */
function entryOf({ exports, main }: Manifest): string {
  let target = exports;
  if (isRecord(target) && "." in target) target = target["."];
  while (isRecord(target)) target = target["import"] ?? target["node"] ?? target["default"];
  if (typeof target === "string") return target;
  if (typeof main !== "string") return "index.js";
  return extname(main) === "" ? `${main}.js` : main;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
