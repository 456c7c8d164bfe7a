// SPDX-License-Identifier: MIT

import { readFile, readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { SkepError } from "@skep/core";
import { z } from "zod";

const SUFFIX = ".bpf.c";

/** The key `"skep-bpf"` of a plugin's package.json. Paths start at the package's root. */
const configSchema = z.strictObject({
  /** Object name -> source. Default: every `bpf/*.bpf.c`, by its name. */
  objects: z.record(z.string(), z.string()).optional(),
  /** Further header directories. */
  include: z.array(z.string()).default([]),
  /** Codec file -> the structs it reads and the object whose BTF describes them. */
  codecs: z.record(z.string(), z.strictObject({ object: z.string(), structs: z.array(z.string()).min(1) })).default({}),
});

export type CodecConfig = { readonly object: string; readonly structs: readonly string[] };

/** What `skep-bpf build` does for a package. */
export interface PackageConfig {
  readonly objects: Readonly<Record<string, string>>;
  readonly include: readonly string[];
  readonly codecs: Readonly<Record<string, CodecConfig>>;
}

/**
 * Reads `"skep-bpf"` of the package.json in `directory`; without one, or without the file, the defaults.
 * @throws SkepError `SKEP_ERR_BUILD` naming the key that is wrong.
 */
export async function readPackageConfig(directory: string): Promise<PackageConfig> {
  const file = join(directory, "package.json");
  const parsed = configSchema.safeParse((await readJson(file))["skep-bpf"] ?? {});
  if (!parsed.success) {
    throw new SkepError("SKEP_ERR_BUILD", `${file}, key "skep-bpf": ${z.prettifyError(parsed.error)}`);
  }
  const { objects, ...rest } = parsed.data;
  return { ...rest, objects: objects ?? objectsOf(await sourcesIn(join(directory, "bpf"), "bpf")) };
}

/** Object name -> source for a list of files. */
export function objectsOf(sources: readonly string[]): Record<string, string> {
  const objects: Record<string, string> = {};
  for (const source of sources) {
    if (!source.endsWith(SUFFIX)) throw new SkepError("SKEP_ERR_BUILD", `${source} is not named *${SUFFIX}`);
    const name = basename(source, SUFFIX);
    const other = objects[name];
    if (other !== undefined) throw new SkepError("SKEP_ERR_BUILD", `${other} and ${source} make the same object`);
    objects[name] = source;
  }
  return objects;
}

/** `*.bpf.c` of a directory in a stable order, as paths that begin with `prefix`; none when it does not exist. */
export async function sourcesIn(directory: string, prefix: string): Promise<string[]> {
  const names = await readdir(resolve(directory)).catch(() => []);
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .sort()
    .map((name) => join(prefix, name));
}

async function readJson(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new SkepError("SKEP_ERR_BUILD", `${file} is not JSON`, { cause });
  }
}
