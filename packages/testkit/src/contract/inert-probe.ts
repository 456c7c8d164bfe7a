// SPDX-License-Identifier: MIT
// Run by the contract suite in a process of its own: imports a module and prints what its code did to the world meanwhile.

import childProcess from "node:child_process";
import dgram from "node:dgram";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const deeds: string[] = [];

/** Node's own module loader reads files too: only calls from elsewhere count. */
function isCalledByCode(): boolean {
  const [, , , caller = ""] = (new Error().stack ?? "").split("\n");
  return !caller.includes("node:internal");
}

function watch(object: object, name: string, what: string): void {
  const members = object as Record<string, unknown>;
  const original = members[name];
  if (typeof original !== "function") return;
  members[name] = function (this: unknown, ...args: unknown[]): unknown {
    const subject = typeof args[0] === "string" || args[0] instanceof URL ? String(args[0]) : "";
    if (isCalledByCode()) deeds.push(`${what}.${name}(${subject})`);
    return Reflect.apply(original, this, args);
  };
}

const deedsOf = (object: object): string[] => Object.keys(object).filter((name) => /^[a-z]/.test(name));

for (const name of deedsOf(fs)) watch(fs, name, "fs");
for (const name of deedsOf(fs.promises)) watch(fs.promises, name, "fs.promises");
for (const name of deedsOf(childProcess)) watch(childProcess, name, "child_process");
for (const name of ["connect", "createConnection", "createServer"]) watch(net, name, "net");
watch(dgram, "createSocket", "dgram");
watch(process, "dlopen", "process");
for (const name of ["setInterval", "setTimeout"]) watch(globalThis, name, "globalThis");
syncBuiltinESMExports();

await import(process.argv[2]!);
process.stdout.write(JSON.stringify(deeds));
