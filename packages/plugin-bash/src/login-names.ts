// SPDX-License-Identifier: MIT

import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostIdentity } from "@skep/core";

/** A passwd file as it was at some time: uid -> name. */
type Names = ReadonlyMap<number, string>;

/** How a process sees users. */
interface View {
  readonly names: Names;
  /** Of its user namespace: /proc/PID/uid_map. */
  readonly uidMap: string;
}

const maxViews = 4_096;
const maxFiles = 256;
/** Bytes. A larger file is nobody's users. */
const largestFile = 16 * 2 ** 20;

/** Login names by the passwd file that a process itself sees: that of its container or of the directory it was chrooted to. */
export class LoginNames {
  /** By device, inode, time and size. */
  readonly #files = new Map<string, Names>();
  readonly #views = new Map<number, View>();

  constructor(private readonly host: Pick<HostIdentity, "procRoot" | "fsRoot">) {}

  /** @param uid as the host counts. The uid itself, as the process counts, when it has no name. */
  nameOf(pid: number, uid: number): string {
    // A shell that is gone by the time its last line is read had the users it had before.
    const view = this.remember(pid);
    const inside = view === undefined ? uid : insideOf(uid, view.uidMap);
    const names = view?.names ?? this.#namesIn(join(this.host.fsRoot, "etc/passwd"));
    return names?.get(inside) ?? String(inside);
  }

  /** Looks the process up while it lives. */
  remember(pid: number): View | undefined {
    const process = join(this.host.procRoot, String(pid));
    const names = this.#namesIn(join(process, "root/etc/passwd"));
    if (names === undefined) return this.#views.get(pid);
    const view = { names, uidMap: readFileSync(join(process, "uid_map"), "utf8") };
    bounded(this.#views, maxViews).set(pid, view);
    return view;
  }

  #namesIn(path: string): Names | undefined {
    try {
      // A container may put anything there: a link out of it, a pipe to wait at.
      const stat = lstatSync(path, { bigint: true });
      const key = [stat.dev, stat.ino, stat.mtimeNs, stat.size].join(" ");
      const known = this.#files.get(key);
      if (known !== undefined || !stat.isFile() || stat.size > largestFile) return known;
      const names = parsePasswd(readFileSync(path, "utf8"));
      bounded(this.#files, maxFiles).set(key, names);
      return names;
    } catch {
      return undefined;
    }
  }
}

/** Of several names of a uid the first, as getpwuid(3). */
export function parsePasswd(text: string): Names {
  const entries = text.split("\n").map((line) => line.split(":"));
  const users = entries.filter(([name, , uid]) => name && /^\d+$/.test(uid ?? ""));
  return new Map(users.reverse().map(([name, , uid]): [number, string] => [Number(uid), name!]));
}

/** Lines of user_namespaces(7): first uid inside, first uid outside, how many. */
function insideOf(uid: number, uidMap: string): number {
  for (const line of uidMap.split("\n")) {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    if (uid >= outside! && uid < outside! + count!) return inside! + uid - outside!;
  }
  return uid;
}

/** Makes room for one more: the oldest goes. */
function bounded<K, V>(map: Map<K, V>, limit: number): Map<K, V> {
  if (map.size >= limit) map.delete(map.keys().next().value!);
  return map;
}
