// SPDX-License-Identifier: MIT

import { service } from "../service.js";

/** A flow as its own socket sees it: `local` is this side, `remote` the address it connected to. */
export interface NatQuery {
  readonly transport: "tcp" | "udp";
  readonly localIp: string;
  readonly localPort: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** Inode number of the network namespace. */
  readonly netns: number;
}

/** Where packets to the remote address really go. */
export interface NatTarget {
  readonly ip: string;
  readonly port: number;
}

/**
 * Destination NAT of this host's flows (Kubernetes services, port forwards). Source NAT alone is no translation.
 * Addresses are in text form; `::ffff:a.b.c.d` and `a.b.c.d` are the same address.
 */
export interface NatTable {
  /** Undefined when the flow is not translated, or not known to be. */
  translate(flow: NatQuery): NatTarget | undefined;
}

export const NatTable = service<NatTable>("skep.nat-table", 1);
