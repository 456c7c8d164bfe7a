// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { SkepError } from "@skep/core";
import { Stamp, parseDepfile } from "./stamp.js";
import { run, type Tools } from "./tools.js";

/** Architectures by the names Node gives them (`process.arch`), with the macro libbpf's headers want. */
export const targets = { x64: "__TARGET_ARCH_x86", arm64: "__TARGET_ARCH_arm64" } as const;

export type Arch = keyof typeof targets;

/** The toolchain's own headers: `vmlinux.h` and `skep/*.bpf.h`. */
export const includeDirectory = fileURLToPath(new URL("../include", import.meta.url));

/**
 * Leaves code, maps, BTF and the symbols loaders need. Relocations of BTF are for the linker of LLVM: libbpf reads the
 * values in place and has the offsets of globals from the symbols. They are a third of a large object.
 */
const STRIP_FLAGS = ["-g", ...[".rel.BTF", ".rel.BTF.ext", ".llvm_addrsig"].map((name) => `--remove-section=${name}`)];

export interface CompileRequest {
  /** `name.bpf.c`; a relative path starts at `directory`. */
  readonly source: string;
  readonly arch: Arch;
  /** The object to write. */
  readonly object: string;
  /** Root of the package: what relative paths start from, here and in the object's line information. */
  readonly directory: string;
  /** Further header directories, searched after the source's own. */
  readonly include: readonly string[];
  readonly tools: Tools;
}

/**
 * Compiles one source for one architecture and strips it down to code, maps and BTF.
 * Resolves to false when the object was there already, made from the same inputs in the same way.
 * @throws SkepError `SKEP_ERR_BUILD` with the compiler's own messages.
 */
export async function compile(request: CompileRequest): Promise<boolean> {
  const { directory, tools, arch } = request;
  const object = resolve(directory, request.object);
  const source = fromDirectory(directory, request.source);
  const flags = flagsOf(request);
  const recipe = JSON.stringify([tools, source, flags, STRIP_FLAGS]);
  const stamp = new Stamp(stampFile(directory, object), object, recipe);
  if (await stamp.isCurrent(directory)) return false;

  const scratch = await mkdtemp(join(tmpdir(), "skep-bpf-"));
  try {
    const unstripped = join(scratch, "unstripped.o");
    const stripped = join(scratch, "stripped.o");
    const depfile = join(scratch, "depfile");
    const args = [...flags, "-MD", "-MF", depfile, "-c", source, "-o", unstripped];
    const compiled = await run(tools.clang, args, directory);
    if (compiled.status !== 0) throw compileError(source, arch, compiled.stderr);
    const strip = await run(tools.strip, [...STRIP_FLAGS, "-o", stripped, unstripped]);
    if (strip.status !== 0) {
      throw new SkepError("SKEP_ERR_BUILD", `${tools.strip} failed on ${source} for ${arch}:\n${strip.stderr}`);
    }
    await mkdir(dirname(object), { recursive: true });
    await place(stripped, object);
    await stamp.write(parseDepfile(await readFile(depfile, "utf8")), directory);
    return true;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function flagsOf({ directory, source, arch, include }: CompileRequest): string[] {
  const directories = [dirname(source), ...include, includeDirectory];
  return [
    "-g",
    "-O2",
    "-mcpu=v3",
    "-target",
    "bpf",
    `-D${targets[arch]}`,
    "-Wall",
    "-Werror",
    // BTF keeps the names of source files: without these an object would tell where it was built.
    "-fdebug-compilation-dir=.",
    `-fdebug-prefix-map=${fromDirectory(directory, includeDirectory)}=skep-bpf`,
    ...directories.flatMap((path) => ["-I", fromDirectory(directory, path)]),
  ];
}

/** Paths as the compiler gets them: relative, for the same reason. */
function fromDirectory(directory: string, path: string): string {
  return relative(directory, resolve(directory, path)) || ".";
}

/** Beside the tools that made it, where other build tools keep theirs; never in the package that is published. */
function stampFile(directory: string, object: string): string {
  const key = createHash("sha256").update(fromDirectory(directory, object)).digest("hex").slice(0, 16);
  return join(directory, "node_modules", ".cache", "skep-bpf", `${key}.json`);
}

/** Readers of the object never see half of it, even when the scratch directory is on another file system. */
async function place(from: string, to: string): Promise<void> {
  const beside = `${to}.${process.pid}.tmp`;
  await copyFile(from, beside);
  await rename(beside, to);
}

function compileError(source: string, arch: Arch, messages: string): SkepError {
  const hint = /'bpf\/[\w.]+' file not found/.test(messages)
    ? "install libbpf's headers: the package libbpf-dev (Debian, Ubuntu) or libbpf-devel (Fedora)"
    : undefined;
  const options = hint === undefined ? {} : { hint };
  return new SkepError("SKEP_ERR_BUILD", `${source} does not compile for ${arch}:\n${messages.trimEnd()}`, options);
}
