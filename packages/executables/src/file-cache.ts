// SPDX-License-Identifier: MIT

import { statSync } from "node:fs";

/** A host runs far fewer programs. */
const MOST_FILES = 4_096;

/** What was found out of files: each is read once, however many processes run it, and again when its content may have changed. */
export class FileCache<T> {
  /** By what tells a file's content from another's: inode numbers are used again. */
  readonly #known = new Map<string, T>();

  /** What `read` said of the file at `path`; undefined when there is none (any more). Forwards what `read` throws. */
  get(path: string, read: () => T): T | undefined {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const key = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
    if (!this.#known.has(key)) {
      if (this.#known.size >= MOST_FILES) this.#known.clear();
      this.#known.set(key, read());
    }
    return this.#known.get(key);
  }
}
