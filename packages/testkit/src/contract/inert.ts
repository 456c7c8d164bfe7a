// SPDX-License-Identifier: MIT

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A program and not a module of this process: it must run before anything else is loaded. Compiled or not, as this file is. */
const probe = new URL(`./inert-probe.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/**
 * Imports a module in a process of its own; gives what its code did to the world while it was loaded: files, processes, sockets,
 * timers, native libraries. Nothing is right.
 */
export function deedsOfImport(module: URL): Promise<readonly string[]> {
  const known = found.get(module.href) ?? lookAt(module);
  found.set(module.href, known);
  return known;
}

/** A module does the same each time. */
const found = new Map<string, Promise<readonly string[]>>();

async function lookAt(module: URL): Promise<readonly string[]> {
  const args = [...process.execArgv, fileURLToPath(probe), compiled(module).href];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as string[];
}

/** Where sources are run compiled, what was made of a module stands beside it. */
function compiled(module: URL): URL {
  const beside = new URL(module.href.replace(/\.ts$/, ".js"));
  return existsSync(beside) ? beside : module;
}
