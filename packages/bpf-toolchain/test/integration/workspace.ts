// SPDX-License-Identifier: MIT

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import { readObjectBtf, type Btf } from "@skep/core";
import { buildObjects } from "@skep/bpf-toolchain";

export const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));

/** A package of its own for one test: a copy of the fixtures, with `files` written over it. */
export async function makePackage(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const directory = await emptyPackage(t);
  await cp(fixtures, directory, { recursive: true });
  await writeFiles(directory, files);
  return directory;
}

export async function emptyPackage(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "skep-bpf-test-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function writeFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** BTF of `struct probe { <members> };` as clang makes it. */
export async function btfOf(t: ExecutionContext, members: string, before = ""): Promise<Btf> {
  const directory = await makePackage(t, {
    "bpf/probe.bpf.c": `#include "types.h"\n${before}\nstruct probe { ${members} };\nstruct probe *probe;\n`,
  });
  await buildObjects({ directory, objects: { probe: "bpf/probe.bpf.c" }, arch: ["x64"] });
  return readObjectBtf(await readFile(join(directory, "dist/bpf/probe.x64.bpf.o")));
}
