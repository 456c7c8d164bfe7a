// SPDX-License-Identifier: MIT

import { statSync } from "node:fs";
import { functionOffsets } from "./function-offsets.js";

const maxFiles = 256;

/** Remembers where functions lie: a file is read once for each name, however many processes run it. */
export class OffsetCache {
  readonly #files = new Map<string, Map<string, bigint | undefined>>();

  /** @throws as {@link functionOffsets} */
  of(path: string, names: readonly string[]): ReadonlyMap<string, bigint> {
    if (names.length === 0) return new Map();
    const known = this.#fileAt(path);
    const unknown = names.filter((name) => !known.has(name));
    const found = unknown.length === 0 ? undefined : functionOffsets(path, unknown);
    for (const name of unknown) known.set(name, found?.get(name));
    return new Map([...known].filter((entry): entry is [string, bigint] => entry[1] !== undefined));
  }

  /** Inode numbers are used again: a probe at the offset of another file's function would break what runs there. */
  #fileAt(path: string): Map<string, bigint | undefined> {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    const key = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
    let known = this.#files.get(key);
    if (known === undefined) {
      this.#files.set(key, (known = new Map()));
      if (this.#files.size > maxFiles) this.#files.delete(this.#files.keys().next().value!);
    }
    return known;
  }
}
