// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { testPrograms, timeOf } from "./compile-c.js";

/**
 * The program of a Go module of the live tests (`test/live/…/NAME/go.mod` and `main.go`, the standard library alone), compiled when
 * it is not there or older: `goProgram(new URL("peers/echo/go.mod", import.meta.url))`. The kernel runner compiles them before,
 * because its guests have no compiler. Returns the path of the executable, which others use too: probe a copy of it.
 */
export function goProgram(module: URL): string {
  const folder = dirname(fileURLToPath(module));
  const program = join(folder.slice(0, folder.lastIndexOf(join("/test", "live"))), testPrograms, basename(folder));
  if (!process.env["SKEP_KERNEL"] && timeOf(program) < timeOf(join(folder, "main.go"))) compileGo(folder, program);
  return program;
}

/** Statically, and with the installed version of Go, whatever the module asks for. */
function compileGo(folder: string, program: string): void {
  mkdirSync(dirname(program), { recursive: true });
  const partial = `${program}.${process.pid}`;
  execFileSync("go", ["build", "-trimpath", "-o", partial, "."], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  renameSync(partial, program);
}
