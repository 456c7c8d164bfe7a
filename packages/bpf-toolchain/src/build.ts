// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { join, resolve } from "node:path";
import { SkepError, readObjectBtf, type Btf } from "@skep/core";
import { generateCodec } from "./codec/generate.js";
import { placeCodec } from "./codec/place.js";
import { compile, targets, type Arch } from "./compile.js";
import { readPackageConfig, type CodecConfig } from "./package-config.js";
import { findTools, type ToolPaths } from "./tools.js";

export interface BuildOptions {
  /** Root of the package: what relative paths start from. Default: the working directory. */
  readonly directory?: string;
  /** Object name -> source. Default: what package.json says, else every `bpf/*.bpf.c`. */
  readonly objects?: Readonly<Record<string, string>>;
  /** Where the objects go. Default `dist/bpf`. */
  readonly out?: string;
  /** Default: all. */
  readonly arch?: readonly Arch[];
  /** Header directories besides those of package.json. */
  readonly include?: readonly string[];
  /** Codec file -> structs. Default: what package.json says. */
  readonly codecs?: Readonly<Record<string, CodecConfig>>;
  /** Compare the codec files with what would be generated instead of writing them. */
  readonly check?: boolean;
  readonly tools?: ToolPaths;
}

/** One compiled object. */
export interface BuiltObject {
  readonly name: string;
  readonly arch: Arch;
  /** `<out>/<name>.<arch>.bpf.o`, relative to the package's root. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** False when it was up to date. */
  readonly built: boolean;
}

export interface BuildResult {
  readonly objects: readonly BuiltObject[];
  readonly codecs: readonly { readonly file: string; readonly written: boolean }[];
}

/**
 * Compiles a package's BPF sources for every architecture and generates its codecs.
 * @throws SkepError `SKEP_ERR_BUILD` when a tool is missing, a source does not compile, a struct cannot be read,
 * or (`check`) a codec file is not what the object says.
 */
export async function buildObjects(options: BuildOptions = {}): Promise<BuildResult> {
  const directory = resolve(options.directory ?? ".");
  const config = await readPackageConfig(directory);
  const sources = options.objects ?? config.objects;
  if (Object.keys(sources).length === 0) {
    throw new SkepError("SKEP_ERR_BUILD", `nothing to build in ${directory}`, {
      hint: 'put sources into bpf/*.bpf.c, name them, or list them in package.json under "skep-bpf"',
    });
  }
  const tools = await findTools(options.tools);
  const include = [...config.include, ...(options.include ?? [])];
  const objects: BuiltObject[] = [];
  for (const [name, source] of Object.entries(sources)) {
    for (const arch of options.arch ?? (Object.keys(targets) as Arch[])) {
      const file = join(options.out ?? "dist/bpf", `${name}.${arch}.bpf.o`);
      const built = await compile({ source, arch, object: file, directory, include, tools });
      objects.push({ name, arch, file, size: (await readFile(resolve(directory, file))).length, built });
    }
  }
  const codecs = [];
  for (const [file, codec] of Object.entries(options.codecs ?? config.codecs)) {
    // Building some of the objects by name must not fail for want of the others.
    if (options.objects !== undefined && options.codecs === undefined && !(codec.object in sources)) continue;
    const text = await codecText(directory, file, codec, objects);
    codecs.push({ file, written: await placeCodec(resolve(directory, file), text, options.check ?? false) });
  }
  return { objects, codecs };
}

async function codecText(
  directory: string,
  file: string,
  { object, structs }: CodecConfig,
  built: readonly BuiltObject[],
): Promise<string> {
  const files = built.filter((candidate) => candidate.name === object).map((candidate) => candidate.file);
  const btfs = await Promise.all(files.map(async (path) => readObjectBtf(await readFile(resolve(directory, path)))));
  const [btf, ...others] = btfs;
  if (btf === undefined)
    throw new SkepError("SKEP_ERR_BUILD", `${file} is generated from ${object}, which is not built`);
  for (const other of others) refuseDifferentLayouts(btf, other, object, structs);
  return generateCodec({ btf, object, structs });
}

/** One codec serves every architecture, so their records must agree. */
function refuseDifferentLayouts(one: Btf, other: Btf, object: string, structs: readonly string[]): void {
  for (const struct of structs) {
    if (isDeepStrictEqual(one.struct(struct), other.struct(struct))) continue;
    throw new SkepError("SKEP_ERR_BUILD", `${object}: struct ${struct} is not the same on every architecture`, {
      hint: "give its members types of a fixed size, and do not depend on __TARGET_ARCH_*",
    });
  }
}
