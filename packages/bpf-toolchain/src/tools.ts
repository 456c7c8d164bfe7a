// SPDX-License-Identifier: MIT

import { spawn } from "node:child_process";
import { SkepError } from "@skep/core";

/** Oldest clang whose BPF back end and BTF are good enough; Debian 12 has it. */
export const OLDEST_CLANG = 14;
/** Newest version looked for by its numbered name. */
const NEWEST_CLANG = 21;

/** A compiler and the strip that belongs to it: command names or paths. */
export interface Tools {
  readonly clang: string;
  /** Major version of clang. */
  readonly version: number;
  readonly strip: string;
}

export interface ToolPaths {
  /** Default: `$CLANG`, then `clang`, then the numbered names, newest first. */
  readonly clang?: string | undefined;
  /** Default: `$LLVM_STRIP`, then the one of clang's version, then `llvm-strip`, then the numbered names. */
  readonly strip?: string | undefined;
}

export interface RunResult {
  /** Exit status; undefined when the command does not exist. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. Rejects only when it could not be started for another reason than not being there. */
export function run(command: string, args: readonly string[], cwd?: string): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve({ status: undefined, stdout, stderr });
      else reject(new SkepError("SKEP_ERR_BUILD", `${command} could not be run: ${error.message}`, { cause: error }));
    });
    // A signal's death has no status: report it as a failure, not as a missing command.
    child.on("close", (status) => resolve({ status: status ?? 1, stdout, stderr }));
  });
}

/**
 * Finds clang and llvm-strip by running them.
 * @throws SkepError `SKEP_ERR_BUILD` naming what is missing or too old and the package that has it.
 */
export async function findTools(paths: ToolPaths = {}): Promise<Tools> {
  const { command: clang, version } = await findClang(paths.clang ?? process.env["CLANG"]);
  return { clang, version, strip: await findStrip(paths.strip ?? process.env["LLVM_STRIP"], version) };
}

async function findClang(chosen: string | undefined): Promise<{ command: string; version: number }> {
  const tried: string[] = [];
  for (const command of chosen ? [chosen] : ["clang", ...numbered("clang")]) {
    const version = await versionOf(command);
    if (version === undefined) continue;
    if (version >= OLDEST_CLANG) return { command, version };
    tried.push(`${command} is version ${version}`);
  }
  const found = tried.length > 0 ? tried.join(", ") : chosen ? `${chosen} does not run` : "none found";
  throw new SkepError("SKEP_ERR_BUILD", `clang ${OLDEST_CLANG} or newer is needed: ${found}`, {
    hint: "install the packages clang and llvm (Debian, Ubuntu, Fedora), or name one with --clang or $CLANG",
  });
}

async function findStrip(chosen: string | undefined, clangVersion: number): Promise<string> {
  const candidates = chosen ? [chosen] : [`llvm-strip-${clangVersion}`, "llvm-strip", ...numbered("llvm-strip")];
  for (const command of candidates) {
    if ((await run(command, ["--version"])).status === 0) return command;
  }
  throw new SkepError("SKEP_ERR_BUILD", `llvm-strip is missing (looked for ${chosen ?? "llvm-strip"})`, {
    hint: "install the package llvm, or name one with $LLVM_STRIP; binutils' strip does not know BPF objects",
  });
}

async function versionOf(command: string): Promise<number | undefined> {
  const { status, stdout } = await run(command, ["--version"]);
  const version = /clang version (\d+)/.exec(stdout)?.[1];
  return status === 0 && version !== undefined ? Number(version) : undefined;
}

function numbered(command: string): string[] {
  const count = NEWEST_CLANG - OLDEST_CLANG + 1;
  return Array.from({ length: count }, (_, index) => `${command}-${NEWEST_CLANG - index}`);
}
