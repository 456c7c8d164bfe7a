// SPDX-License-Identifier: MIT

import { readFileSync, statSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";

/** Names of architectures in BTFHub's archive. */
const archOf: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "arm64" };

/**
 * The BTF file of the running kernel at `path`: itself when it is a file; in a directory `RELEASE.btf`, or where BTFHub's archive
 * keeps it. Undefined when there is none.
 * @param fsRoot the host's file system, whose os-release tells the distribution
 */
export function customBtf(path: string, fsRoot = "/", kernel = release()): string | undefined {
  if (isFile(path)) return path;
  const { ID = "", VERSION_ID = "" } = osRelease(fsRoot);
  const candidates = [
    join(path, `${kernel}.btf`),
    join(path, ID, VERSION_ID, archOf[process.arch] ?? process.arch, `${kernel}.btf`),
  ];
  return candidates.find(isFile);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function osRelease(fsRoot: string): Record<string, string> {
  try {
    const lines = readFileSync(join(fsRoot, "etc/os-release"), "utf8").matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
    return Object.fromEntries([...lines].map(([, key, value]) => [key, value])) as Record<string, string>;
  } catch {
    return {};
  }
}
