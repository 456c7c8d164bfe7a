// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Variables that name the service of a process; the first that is not empty does. */
export const SERVICE_VARIABLES = ["DK_BPFTRACE_SERVICE", "DD_SERVICE", "OTEL_SERVICE_NAME"] as const;

/** What matters of a process's environment. Nothing else of it is kept: it is full of secrets. */
export interface Environment {
  /** Those of the names asked for that are set. */
  readonly names: readonly string[];
  /** Empty when no variable names it. */
  readonly service: string;
}

/** The environment a process was started with; undefined when it cannot be read, because the process is gone or hidden. */
export function readEnvironment(procRoot: string, pid: number, wanted: ReadonlySet<string>): Environment | undefined {
  try {
    return parseEnvironment(readFileSync(join(procRoot, String(pid), "environ"), "utf8"), wanted);
  } catch {
    return undefined;
  }
}

/** @param text as /proc/PID/environ has it: `NAME=value`, each ended by a NUL */
export function parseEnvironment(text: string, wanted: ReadonlySet<string>): Environment {
  const names: string[] = [];
  const services = new Map<string, string>();
  for (const variable of text.split("\0")) {
    const end = variable.indexOf("=");
    if (end <= 0) continue;
    const name = variable.slice(0, end);
    if (wanted.has(name)) names.push(name);
    if ((SERVICE_VARIABLES as readonly string[]).includes(name) && !services.has(name)) {
      services.set(name, variable.slice(end + 1).trim());
    }
  }
  const service = SERVICE_VARIABLES.map((name) => services.get(name) ?? "").find((value) => value !== "") ?? "";
  return { names, service };
}
