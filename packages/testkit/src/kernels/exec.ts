// SPDX-License-Identifier: MIT
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { SkepError } from "@skep/core";
import { packageOf } from "./requirements.js";

const execute = promisify(execFile);

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs an external program to its end and returns what it wrote to stdout.
 * Throws `SKEP_ERR_TOOL` with the end of its stderr when it is missing or fails.
 */
export async function exec(program: string, args: readonly string[], options: ExecOptions = {}): Promise<string> {
  return (await execBytes(program, args, options)).toString("utf8");
}

/** {@link exec} for a program that writes bytes, such as a decompressor. At most 256 MiB. */
export async function execBytes(program: string, args: readonly string[], options: ExecOptions = {}): Promise<Buffer> {
  try {
    const { stdout } = await execute(program, args, {
      ...options,
      env: withSystemPath(options.env ?? process.env),
      encoding: "buffer",
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    throw toolError(program, cause);
  }
}

function toolError(program: string, cause: unknown): SkepError {
  const { code, stderr } = cause as { code?: string | number; stderr?: Buffer };
  if (code === "ENOENT") {
    const hint = `apt-get install ${packageOf[program] ?? program}`;
    return new SkepError("SKEP_ERR_TOOL", `${program} is not installed`, { hint, cause });
  }
  const said = (stderr?.toString("utf8") ?? "").trim().split("\n").slice(-5).join("\n");
  return new SkepError("SKEP_ERR_TOOL", `${program} failed (${String(code)}): ${said}`, { cause });
}

/** Full path of an installed program, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = (withSystemPath(process.env)["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Hexadecimal SHA-256 of the parts, short enough for a file name. */
export function fingerprint(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 20);
}

// mke2fs, depmod, ip and bpftool live in sbin, which a plain user's PATH lacks.
function withSystemPath(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: [env["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(Boolean).join(delimiter) };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
