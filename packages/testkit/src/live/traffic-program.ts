// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileC, timeOf } from "./compile-c.js";

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
  if (timeOf(program) < sourceTime) compileC(source, program);
  return program;
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
