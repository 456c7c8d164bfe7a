// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const architecture = process.arch === "arm64" ? ["arm64", "aarch64"] : ["x86", "x86_64"];

/** Compiles `test/live/bpf/NAME.bpf.c` with the system's clang and libbpf headers. */
export function compile(name: string): Uint8Array {
  const source = fileURLToPath(new URL(`../bpf/${name}.bpf.c`, import.meta.url));
  const directory = mkdtempSync(join(tmpdir(), "skep-bpf-"));
  const output = join(directory, `${name}.bpf.o`);
  try {
    const target = [
      "-target",
      "bpf",
      `-D__TARGET_ARCH_${architecture[0]}`,
      `-I/usr/include/${architecture[1]}-linux-gnu`,
    ];
    execFileSync("clang-14", ["-g", "-O2", "-Wall", "-Werror", ...target, "-c", source, "-o", output]);
    return readFileSync(output);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
