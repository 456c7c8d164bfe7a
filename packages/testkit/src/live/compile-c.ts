// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the programs of a package's live tests are built, from the package's folder on. */
export const testPrograms = join("dist", "test-bin");

/**
 * The program of a C source of the live tests (`test/live/…/NAME.c` of a package), compiled when it is not there or older:
 * `cProgram(new URL("support/ticker.c", import.meta.url))`. The kernel runner compiles them before, because its guests have no
 * compiler. Returns the path of the executable, which others use too: probe a copy of it.
 */
export function cProgram(source: URL): string {
  const file = fileURLToPath(source);
  const program = join(file.slice(0, file.lastIndexOf(join("/test", "live"))), testPrograms, basename(file, ".c"));
  if (!process.env["SKEP_KERNEL"] && timeOf(program) < timeOf(file)) compileC(file, program);
  return program;
}

/**
 * Compiles one C file. Statically where the C library allows, so that it runs inside any guest and namespace.
 * Several test files may compile at once: each makes its own file and moves it into place whole.
 */
export function compileC(source: string, program: string): void {
  mkdirSync(dirname(program), { recursive: true });
  const partial = `${program}.${process.pid}`;
  const compileWith = (...flags: readonly string[]) =>
    execFileSync("cc", ["-O2", "-Wall", "-pthread", ...flags, "-o", partial, source], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  try {
    compileWith("-static");
  } catch {
    compileWith();
  }
  renameSync(partial, program);
}

/** When a file was last written, milliseconds; 0 when there is no such file. */
export function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
