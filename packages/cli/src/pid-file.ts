// SPDX-License-Identifier: MIT

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf, SkepError } from "@skep/core";

/**
 * Writes this process's id into `file`, for whoever wants to send it a signal. Returns what removes it again.
 * @throws SkepError `SKEP_ERR_CONFIG` when it cannot be written, or the process it names runs and is a Skep
 */
export function claimPidFile(file: string): () => void {
  const owner = ownerOf(file);
  if (owner !== undefined && owner !== process.pid && isSkep(owner)) {
    throw new SkepError("SKEP_ERR_CONFIG", `pidfile ${file}: process ${owner} runs already`, {
      hint: "stop it, or give each agent a pidfile of its own",
    });
  }
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${process.pid}\n`);
  } catch (cause) {
    throw new SkepError("SKEP_ERR_CONFIG", `pidfile ${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
  return () => {
    if (ownerOf(file) === process.pid) rmSync(file, { force: true });
  };
}

function ownerOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A number that was a Skep's may be anybody's by now. */
function isSkep(pid: number): boolean {
  try {
    const [, ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return args.some((argument) => /(^|\/)(skep|main\.js)$/.test(argument));
  } catch {
    return false;
  }
}
