// SPDX-License-Identifier: MIT

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { SkepError, readObjectBtf } from "@skep/core";
import { buildObjects, type BuildOptions, type BuildResult } from "./build.js";
import { generateCodec } from "./codec/generate.js";
import { placeCodec } from "./codec/place.js";
import { targets, type Arch } from "./compile.js";
import { objectsOf, sourcesIn } from "./package-config.js";

interface BuildFlags {
  readonly out?: string;
  readonly arch?: readonly Arch[];
  readonly clang?: string;
  readonly include?: readonly string[];
  readonly codec?: string;
  readonly struct?: readonly string[];
  readonly check?: boolean;
}

/** Runs the `skep-bpf` command; resolves to the exit status. */
export async function main(argv: readonly string[] = process.argv): Promise<number> {
  try {
    await program().parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    process.stderr.write(`skep-bpf: ${error.message} [${error.code}]\n`);
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
    return 1;
  }
}

function program(): Command {
  const command = new Command("skep-bpf").description("Compiles BPF C and generates codecs from its BTF.");
  command
    .command("build", { isDefault: true })
    .description('Builds the objects and codecs of the package in the working directory (package.json, "skep-bpf").')
    .argument("[sources...]", "*.bpf.c files or directories of them; default bpf/")
    .option("--out <dir>", "directory of the objects", "dist/bpf")
    .option("--arch <list>", `architectures, of ${Object.keys(targets).join(", ")}; default all`, parseArch)
    .option("--clang <path>", "compiler; default $CLANG, clang, clang-21 ... clang-14")
    .option("-I, --include <dir>", "header directory, repeatable", append)
    .option("--codec <file>", "codec to generate, with --struct")
    .option("--struct <names>", "C structs of the codec", parseList)
    .option("--check", "fail when a codec file differs instead of writing it")
    .action(build);
  command
    .command("codec")
    .description("Generates a codec from any object with BTF.")
    .argument("<object>", "compiled BPF object")
    .requiredOption("--struct <names>", "C structs", parseList)
    .option("--out <file>", "file to write; default standard output")
    .option("--check", "fail when the file differs instead of writing it")
    .action(codec);
  return command;
}

async function build(sources: readonly string[], flags: BuildFlags): Promise<void> {
  const { out, arch, clang, include, check } = flags;
  const objects = sources.length > 0 ? objectsOf(await expand(sources)) : undefined;
  const options: BuildOptions = {
    ...(objects && { objects }),
    ...(out !== undefined && { out }),
    ...(arch && { arch }),
    ...(include && { include }),
    ...(check && { check }),
    ...codecOf(flags, objects),
    tools: { clang },
  };
  report(await buildObjects(options));
}

async function codec(object: string, flags: { struct: string[]; out?: string; check?: boolean }): Promise<void> {
  const bytes = await readFile(object).catch((cause: Error) => {
    throw new SkepError("SKEP_ERR_OBJECT", `${object} cannot be read: ${cause.message}`, { cause });
  });
  const name = basename(object).replace(/(\.(x64|arm64))?\.bpf\.o$/, "");
  const text = generateCodec({ btf: readObjectBtf(bytes), object: name, structs: flags.struct });
  if (flags.out === undefined) process.stdout.write(text);
  else await placeCodec(flags.out, text, flags.check ?? false);
}

function codecOf(
  flags: BuildFlags,
  objects: Readonly<Record<string, string>> | undefined,
): Pick<BuildOptions, "codecs"> {
  if (flags.codec === undefined && flags.struct === undefined) return {};
  const [object, ...others] = Object.keys(objects ?? {});
  if (flags.codec === undefined || flags.struct === undefined || object === undefined || others.length > 0) {
    throw new SkepError("SKEP_ERR_BUILD", "--codec and --struct go together, with exactly one source", {
      hint: 'for more, list them in package.json under "skep-bpf": { "codecs": ... }',
    });
  }
  return { codecs: { [flags.codec]: { object, structs: flags.struct } } };
}

async function expand(sources: readonly string[]): Promise<string[]> {
  const lists = sources.map(async (source) => {
    const found = await stat(source).catch(() => undefined);
    if (found === undefined) throw new SkepError("SKEP_ERR_BUILD", `${source} does not exist`);
    return found.isDirectory() ? sourcesIn(source, source) : [source];
  });
  return (await Promise.all(lists)).flat();
}

function report({ objects, codecs }: BuildResult): void {
  for (const { file, size, built } of objects) {
    process.stdout.write(`${file}  ${built ? `built, ${size} bytes` : "up to date"}\n`);
  }
  for (const { file, written } of codecs) process.stdout.write(`${file}  ${written ? "written" : "up to date"}\n`);
}

function parseArch(text: string): Arch[] {
  return parseList(text).map((name) => {
    if (name in targets) return name as Arch;
    throw new InvalidArgumentError(`${name} is none of ${Object.keys(targets).join(", ")}`);
  });
}

function parseList(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function append(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
