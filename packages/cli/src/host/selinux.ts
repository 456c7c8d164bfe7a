// SPDX-License-Identifier: MIT

import { closeSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readNumber, readText } from "./files.js";

/** What SELinux says about this process. */
export interface Selinux {
  readonly mode: "absent" | "permissive" | "enforcing";
  /** Context of this process, such as `system_u:system_r:unconfined_service_t:s0`; null without SELinux. */
  readonly context: string | null;
  /** Permissions of the class `bpf` that the policy denies this context: all it needs is none of them. Null: could not be asked. */
  readonly denied: readonly string[] | null;
}

/** Asks the kernel, by selinuxfs; the policy decides per permission, so the answer is exact. */
export function selinux(root = "/sys/fs/selinux"): Selinux {
  const enforce = readNumber(join(root, "enforce"));
  if (enforce === null) return { mode: "absent", context: null, denied: null };
  const context = readText("/proc/self/attr/current").replace(/[\0\n]+$/, "");
  return { mode: enforce === 1 ? "enforcing" : "permissive", context, denied: deniedOf(root, context) };
}

function deniedOf(root: string, context: string): readonly string[] | null {
  try {
    const directory = join(root, "class/bpf");
    const allowed = accessVector(root, `${context} ${context} ${readText(join(directory, "index")).trim()} ffffffff`);
    const permissions = readdirSync(join(directory, "perms"));
    return permissions.filter((name) => {
      const number = readNumber(join(directory, "perms", name)) ?? 0;
      return ((allowed >> (number - 1)) & 1) === 0;
    });
  } catch {
    return null;
  }
}

/** What the policy allows: selinuxfs answers a written question with `ALLOWED DECIDED ...`, hexadecimal. */
function accessVector(root: string, question: string): number {
  const fd = openSync(join(root, "access"), "r+");
  try {
    writeSync(fd, question);
    const answer = Buffer.alloc(128);
    return parseInt(
      answer.toString("latin1", 0, readSync(fd, answer, 0, answer.length, null)).split(" ")[0] ?? "0",
      16,
    );
  } finally {
    closeSync(fd);
  }
}

/** What a mode means for Skep, in words. */
export function meaningOf({ mode, context, denied }: Selinux): string {
  if (mode === "absent") return "not there";
  const told = `${mode}, this process is ${context}`;
  if (denied === null) return `${told}; its policy could not be asked`;
  if (denied.length === 0) return `${told}, which may use bpf`;
  const what = `${denied.map((name) => `bpf:${name}`).join(", ")}`;
  return mode === "enforcing" ? `${told}, which may not ${what}` : `${told}; enforcing, it could not ${what}`;
}
