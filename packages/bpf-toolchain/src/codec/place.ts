// SPDX-License-Identifier: MIT

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { SkepError } from "@skep/core";

/**
 * Writes a codec file when its text is another one; resolves to whether it did.
 * @throws SkepError `SKEP_ERR_BUILD` with `check`, instead of writing.
 */
export async function placeCodec(file: string, text: string, check: boolean): Promise<boolean> {
  const present = await readFile(file, "utf8").catch(() => undefined);
  if (present === text) return false;
  if (check) {
    const what = present === undefined ? "does not exist" : "is not what the object's BTF says";
    throw new SkepError("SKEP_ERR_BUILD", `${relative(process.cwd(), file)} ${what}`, {
      hint: "run skep-bpf build and commit the file",
    });
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return true;
}
