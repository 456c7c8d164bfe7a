// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HostIdentity, Scope } from "@skep/core";

/** The event loop waits no longer than this for a walk over all processes. */
const SLICE_MS = 5;

/**
 * The network namespaces whose entries an agent may need, by inode number, each with a file that names it as long as its holder
 * lives. A scope by network namespace names them. With any other they are all there are: those of processes and those that only
 * a mount holds (`ip netns add`), because a flow may be translated where none of its processes lives.
 */
export async function networkNamespaces(
  { cgroups, pids, netns }: Scope,
  { procRoot, fsRoot }: Pick<HostIdentity, "procRoot" | "fsRoot">,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const add = (inode: number | undefined, path: string) => {
    if (inode !== undefined && !found.has(inode)) found.set(inode, path);
  };
  for (const path of netns ?? [])
    add(
      quietly(() => statSync(path).ino),
      path,
    );
  if (netns?.length && !cgroups?.length && !pids?.length) return found;
  let until = performance.now() + SLICE_MS;
  for (const pid of quietly(() => readdirSync(procRoot)) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    const path = join(procRoot, pid, "ns/net");
    add(inodeOf(quietly(() => readlinkSync(path))), path);
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + SLICE_MS;
  }
  for (const [inode, path] of mounted(procRoot)) add(inode, join(fsRoot, path));
  return found;
}

/** Namespaces that are mounted as files: `44 42 0:4 net:[4026532177] /run/netns/blue rw shared:2 - nsfs nsfs rw`. */
function mounted(procRoot: string): (readonly [number, string])[] {
  const mountinfo = quietly(() => readFileSync(join(procRoot, "1/mountinfo"), "utf8")) ?? "";
  return mountinfo.split("\n").flatMap((line) => {
    const [, , , root, point] = line.split(" ");
    const inode = inodeOf(root);
    return inode === undefined || point === undefined ? [] : [[inode, unescaped(point)] as const];
  });
}

/** Of `net:[4026531840]`. */
function inodeOf(text: string | undefined): number | undefined {
  const digits = /^net:\[(\d+)\]$/.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** mountinfo writes blanks and backslashes as octal numbers. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // it went away meanwhile, or is not ours to see
  }
}
