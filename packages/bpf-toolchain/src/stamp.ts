// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Remembers what an object was built from, so that an unchanged one is not built again.
 * Contents are compared, not times: a checkout, a cache restore or a container image gives every file a new time.
 */
export class Stamp {
  /**
   * @param file where the stamp is kept
   * @param object the object it vouches for
   * @param recipe everything but the inputs that decides the result: compiler version and flags
   */
  constructor(
    private readonly file: string,
    private readonly object: string,
    private readonly recipe: string,
  ) {}

  /** Whether recipe, inputs and object are what {@link write} saw. `directory` is what relative inputs start from. */
  async isCurrent(directory: string): Promise<boolean> {
    try {
      const { inputs, hash } = JSON.parse(await readFile(this.file, "utf8")) as { inputs: string[]; hash: string };
      return hash === (await this.hash(inputs, directory));
    } catch {
      // No stamp, an unreadable one, or an input that is gone: build.
      return false;
    }
  }

  async write(inputs: readonly string[], directory: string): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true });
    const hash = await this.hash(inputs, directory);
    await writeFile(this.file, `${JSON.stringify({ inputs, hash }, null, 2)}\n`);
  }

  private async hash(inputs: readonly string[], directory: string): Promise<string> {
    const hash = createHash("sha256").update(this.recipe);
    for (const input of [...inputs, this.object]) {
      const bytes = await readFile(resolve(directory, input));
      hash.update(`\0${input}\0${bytes.length}\0`).update(bytes);
    }
    return hash.digest("hex");
  }
}

/** Files a Makefile rule `target: file file \` names, as compilers write with `-MD`. */
export function parseDepfile(text: string): string[] {
  const rule = text.replace(/\\\r?\n/g, " ");
  const inputs = rule.slice(rule.indexOf(":") + 1).trim();
  // A space inside a name is escaped; a dollar sign is doubled.
  return (inputs.match(/(?:\\.|[^\s\\])+/g) ?? []).map((name) => name.replace(/\\(.)/g, "$1").replace(/\$\$/g, "$"));
}
