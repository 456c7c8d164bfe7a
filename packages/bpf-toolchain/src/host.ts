// SPDX-License-Identifier: MIT

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { SkepError } from "@skep/core";
import { includeDirectory } from "./compile.js";
import { run } from "./tools.js";

export interface HostOptions {
  /** A C file with a `main` that includes the BPF C under test. */
  readonly source: string;
  /** Header directories, besides the source's own and the toolchain's. */
  readonly include?: readonly string[];
  /** Default: `$CC`, else `cc`. */
  readonly compiler?: string;
}

/**
 * Compiles BPF C for this machine against fake maps and helpers, runs it and resolves to what it printed.
 * For logic that is worth a unit test: no kernel, no privileges, no verifier.
 * @throws SkepError `SKEP_ERR_BUILD` when it does not compile or exits with a status other than 0.
 */
export async function runOnHost(options: HostOptions): Promise<string> {
  const source = resolve(options.source);
  const compiler = options.compiler ?? process.env["CC"] ?? "cc";
  // The fakes come before libbpf's own headers, which they stand in for.
  const include = [
    join(includeDirectory, "skep", "host"),
    dirname(source),
    ...(options.include ?? []),
    includeDirectory,
  ];
  const scratch = await mkdtemp(join(tmpdir(), "skep-host-"));
  try {
    const program = join(scratch, "test");
    const flags = ["-g", "-O1", "-std=gnu11", "-Wall", "-Werror", "-Wno-unknown-pragmas", "-Wno-attributes"];
    const paths = include.flatMap((path) => ["-I", resolve(path)]);
    const compiled = await run(compiler, [...flags, ...paths, source, "-o", program]);
    if (compiled.status === undefined) {
      throw new SkepError("SKEP_ERR_BUILD", `no C compiler: ${compiler} does not run`, {
        hint: "install gcc or clang, or name one with $CC",
      });
    }
    if (compiled.status !== 0) {
      throw new SkepError("SKEP_ERR_BUILD", `${source} does not compile for the host:\n${compiled.stderr.trimEnd()}`);
    }
    const ran = await run(program, []);
    if (ran.status !== 0) {
      throw new SkepError("SKEP_ERR_BUILD", `${source} failed with status ${ran.status}:\n${ran.stderr}${ran.stdout}`);
    }
    return ran.stdout;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
