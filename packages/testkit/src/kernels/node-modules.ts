// SPDX-License-Identifier: MIT
import { cp, lstat, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

/** What a test needs beside the packages' own dependencies. */
const testDependencies = ["ava", "fast-check"];

/** What packages name only for their build; large. */
const buildTools = /^(@types|typescript|ts-node|eslint|prettier)/;

/** Never needed to run. */
const leftOut = /(\.d\.[cm]?ts|\.map|\.md|\.tsbuildinfo)$/;

/**
 * Folders of pnpm's store that tests need at run time, relative to the workspace: `node_modules/.pnpm/<package>`.
 * pnpm puts a package and links to its dependencies side by side, so following links finds them all.
 */
export async function runtimeModules(workspace: string): Promise<string[]> {
  const found = new Set<string>();
  const open = await directDependencies(workspace);
  for (let link = open.pop(); link !== undefined; link = open.pop()) {
    const store = storeFolder(workspace, await realpath(link).catch(() => workspace));
    if (store === undefined || found.has(store)) continue;
    found.add(store);
    open.push(...(await packagesBelow(join(workspace, store, "node_modules"))));
  }
  return [...found].sort();
}

/** Copies these folders, the links to them and the packages' own `node_modules` links. */
export async function copyModules(workspace: string, folders: readonly string[], target: string): Promise<void> {
  for (const folder of folders) await copyTree(join(workspace, folder), join(target, folder));
  for (const name of testDependencies)
    await copyTree(join(workspace, "node_modules", name), join(target, "node_modules", name));
}

async function copyTree(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { recursive: true, verbatimSymlinks: true, filter: (path) => !leftOut.test(path) });
}

async function directDependencies(workspace: string): Promise<string[]> {
  const links = testDependencies.map((name) => join(workspace, "node_modules", name));
  for (const name of await readdir(join(workspace, "packages"))) {
    links.push(...(await packagesBelow(join(workspace, "packages", name, "node_modules"))));
  }
  const exist = await Promise.all(
    links.map((link) =>
      lstat(link).then(
        () => true,
        () => false,
      ),
    ),
  );
  return links.filter((_, index) => exist[index]);
}

/** Packages in a `node_modules` folder, those of a scope included. */
async function packagesBelow(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter(
    (name) => !name.startsWith(".") && !buildTools.test(name),
  );
  const nested = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return name.startsWith("@") ? (await readdir(path)).map((inner) => join(path, inner)) : [path];
    }),
  );
  const packages = nested.flat();
  const kinds = await Promise.all(
    packages.map((path) =>
      stat(path).then(
        (it) => it.isDirectory(),
        () => false,
      ),
    ),
  );
  return packages.filter((_, index) => kinds[index]);
}

/** `node_modules/.pnpm/<package>` of a path in the store; undefined for the workspace's own packages. */
function storeFolder(workspace: string, path: string): string | undefined {
  const parts = relative(workspace, path).split(sep);
  const store = parts.indexOf(".pnpm");
  return store < 0 || parts[0] === ".." ? undefined : parts.slice(0, store + 2).join(sep);
}
