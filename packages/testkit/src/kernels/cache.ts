// SPDX-License-Identifier: MIT
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fingerprint } from "./exec.js";

/** Where kernels, QEMU and images are kept: never in the repository. `SKEP_CACHE` moves it. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env["SKEP_CACHE"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "skep");
}

/**
 * Returns `folder`, made by `build` the first time. `build` fills an empty folder that takes the name in one rename,
 * so that neither an interrupted run nor a second runner beside this one leaves or sees a half-made one.
 */
export async function once(folder: string, build: (empty: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = await mkdtemp(`${folder}.unfinished-`);
  try {
    await build(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Removes all but the newest folders below `folder`. Images are open while in use: a machine keeps what is removed. */
export async function keepNewest(folder: string, count: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !name.includes(".unfinished-"));
  const found = await Promise.all(
    names.map(async (name) => ({ name, made: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = found.sort((a, b) => b.made - a.made).slice(count);
  for (const { name } of old) await rm(join(folder, name), { recursive: true, force: true });
}

/** Returns the text that `build` makes of `inputs`, kept in `folder` under their fingerprint. */
export async function onceText(folder: string, inputs: readonly string[], build: () => string): Promise<string> {
  const file = join(folder, fingerprint(...inputs));
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept !== undefined) return kept;
  const text = build();
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.${process.pid}`, text);
  await rename(`${file}.${process.pid}`, file);
  return text;
}
