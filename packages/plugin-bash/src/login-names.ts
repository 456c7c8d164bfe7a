// SPDX-License-Identifier: MIT

import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** uid -> name. */
type Names = ReadonlyMap<number, string>;

/** Processes, and versions of files, that are remembered. */
const limit = 4_096;

/** Login names by the passwd file that a process itself sees: that of its container, or of the directory it was chrooted to. */
export class LoginNames {
  readonly #files = new Map<string, Names>();
  readonly #views = new Map<number, { names: Names | undefined; uidMap: string }>();

  constructor(private readonly procRoot: string) {}

  /** @param uid as the host counts. Without a name it is the uid, as the process counts. */
  nameOf(pid: number, uid: number): string {
    // One that ended before it was ever looked at had the host's users, we guess.
    const view = this.look(pid) ?? this.look(1);
    const inside = insideOf(uid, view?.uidMap ?? "");
    return view?.names?.get(inside) ?? String(inside);
  }

  /** Looks at a process while it lives: the last line of a shell is read when it is gone. */
  look(pid: number) {
    const directory = join(this.procRoot, String(pid));
    try {
      const uidMap = readFileSync(join(directory, "uid_map"), "utf8");
      readlinkSync(join(directory, "root")); // throws for one that is ending, which has no files any more
      for (const cache of [this.#views, this.#files]) if (cache.size >= limit) cache.clear();
      this.#views.set(pid, { names: this.#namesIn(join(directory, "root/etc/passwd")), uidMap });
    } catch {
      // What was known of it stays.
    }
    return this.#views.get(pid);
  }

  #namesIn(path: string): Names | undefined {
    // A container may put anything there: a link that leads out of it, a pipe to wait at, gigabytes.
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > 2n ** 24n) return undefined;
    const version = [stat.dev, stat.ino, stat.mtimeNs, stat.size].join(" ");
    const names = this.#files.get(version) ?? parsePasswd(readFileSync(path, "utf8"));
    this.#files.set(version, names);
    return names;
  }
}

/** Of several names of a uid the first, as getpwuid(3). */
function parsePasswd(text: string): Names {
  const entries = text.split("\n").map((line) => line.split(":"));
  const users = entries.filter(([name, , uid]) => name && /^\d+$/.test(uid ?? ""));
  return new Map(users.reverse().map(([name, , uid]): [number, string] => [Number(uid), name!]));
}

/** Lines of /proc/PID/uid_map: first uid inside, first uid outside, how many (user_namespaces(7)). */
function insideOf(uid: number, uidMap: string): number {
  const ranges = uidMap.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const [inside = 0, outside = 0] =
    ranges.find(([, first = 0, count = 0]) => uid >= first && uid < first + count) ?? [];
  return uid - outside + inside;
}
