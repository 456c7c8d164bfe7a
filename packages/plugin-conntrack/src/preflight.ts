// SPDX-License-Identifier: MIT

import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { SkepError, type Verdict } from "@skep/core";

/** What the user's document asks for: these symbols in kallsyms... */
const symbols = ["nf_ct_delete", "__nf_conntrack_hash_insert"];
/** ...or this module. */
const module = "nf_conntrack";

const commands = [
  `cat /proc/kallsyms | awk '{print $3}' | grep "^nf_ct_delete$\\|^__nf_conntrack_hash_insert$"`,
  "lsmod | grep nf_conntrack",
];

/**
 * Whether this kernel tracks connections: the module is loaded, or its functions are among the symbols.
 * Asked before ctnetlink is, because asking ctnetlink would load modules.
 */
export async function tracksConnections(procRoot: string): Promise<Verdict> {
  const modules = readText(join(procRoot, "modules"));
  if (modules?.split("\n").some((line) => line.startsWith(`${module} `))) return { supported: true };
  const missing = await missingSymbols(join(procRoot, "kallsyms"));
  if (missing === undefined) return { supported: undefined, reason: "neither modules nor kallsyms can be read" };
  if (missing.length === 0) return { supported: true };
  return {
    supported: false,
    reason: `the kernel does not track connections: no module ${module}, and no symbol ${missing.join(", ")}`,
  };
}

/** The error an operator sees, with the commands that show the same. */
export const notTracking = (reason: string): SkepError =>
  new SkepError("SKEP_ERR_UNSUPPORTED", reason, {
    phase: "setup",
    hint:
      `without ${module} there is no NAT and nothing is missed; it is tried again by itself, or load it with \`modprobe ${module}\`. ` +
      `Look with: ${commands.join(" or: ")}`,
  });

/** Lines are `address type name`, then the module in brackets for those that are in one. Ten megabytes: read in pieces. */
async function missingSymbols(path: string): Promise<string[] | undefined> {
  const missing = new Set(symbols);
  let rest = "";
  try {
    for await (const piece of createReadStream(path, { encoding: "latin1", highWaterMark: 256 * 1024 })) {
      const text = rest + (piece as string);
      for (const name of missing) if (new RegExp(` ${name}[\\s]`).test(text)) missing.delete(name);
      if (missing.size === 0) return [];
      rest = text.slice(-128);
    }
  } catch {
    return undefined;
  }
  return rest === "" ? undefined : [...missing];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
