// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const source = join(root, "traffic", "traffic.c");

/**
 * Path of the traffic generator, compiled when it is not there or older than its source. `SKEP_TRAFFIC` names another one.
 * Compiled statically where the C library allows, so that it runs inside any guest and namespace.
 */
export function trafficProgram(): string {
  const given = process.env["SKEP_TRAFFIC"];
  if (given) return given;
  const beside = join(root, "dist", "traffic");
  const sourceTime = timeOf(source);
  // Where only the built program was shipped there is nothing to compare with.
  if (timeOf(beside) >= sourceTime) return beside;
  const program = isWritable(dirname(dirname(beside))) ? beside : join(tmpdir(), `skep-traffic-${hashOfSource()}`);
  if (timeOf(program) < sourceTime) compile(program);
  return program;
}

/** Several test files may compile at once: each makes its own file and moves it into place whole. */
function compile(program: string): void {
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

/** Milliseconds; 0 when there is no such file. */
function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const hashOfSource = (): string => createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 12);
