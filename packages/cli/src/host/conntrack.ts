// SPDX-License-Identifier: MIT

import { existsSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./files.js";

/** What the kernel has of connection tracking. */
export interface Conntrack {
  readonly loaded: boolean;
  /** Function -> is it there under its own name? Null: the symbols cannot be read. */
  readonly symbols: Readonly<Record<string, boolean>> | null;
}

/** What the reference collector's probes need; Skep's ebpf-conntrack asks netlink instead and needs none. */
const wanted = ["nf_ct_delete", "__nf_conntrack_hash_insert"];

export function conntrack(procRoot: string): Conntrack {
  const loaded = existsSync(join(procRoot, "sys/net/netfilter/nf_conntrack_max"));
  const symbols = readText(join(procRoot, "kallsyms"));
  if (symbols === "") return { loaded, symbols: null };
  const has = (name: string) => new RegExp(`^[0-9a-f]+ \\w ${name}(\\s|$)`, "m").test(symbols);
  return { loaded, symbols: Object.fromEntries(wanted.map((name) => [name, has(name)])) };
}
