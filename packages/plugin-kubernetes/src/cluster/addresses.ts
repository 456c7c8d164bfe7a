// SPDX-License-Identifier: MIT

import ipaddr from "ipaddr.js";
import type { Protocol } from "../api/objects.js";

export type Transport = "tcp" | "udp";

const MAPPED = "::ffff:";

/** An address as flows write it: RFC 5952, and IPv4 where it is meant. Undefined when it is none. */
export function canonical(text: string | undefined): string | undefined {
  if (!text || !ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** An address of a flow: canonical already, but for IPv4 that an IPv6 socket saw. */
export const unmapped = (ip: string): string =>
  ip.startsWith(MAPPED) && ip.includes(".") ? ip.slice(MAPPED.length) : ip;

/** How a port of an address is called: `10.0.0.1:80/tcp`, `fd00::1:80/tcp`. Never taken apart again. */
export const portName = (ip: string, port: number, transport: Transport): string => `${ip}:${port}/${transport}`;

/** Undefined for what makes no flows of ours. */
export const transportOf = (protocol: Protocol = "TCP"): Transport | undefined =>
  protocol === "TCP" ? "tcp" : protocol === "UDP" ? "udp" : undefined;

/** The canonical ones among some addresses, each once. */
export function canonicals(texts: Iterable<string | undefined>): string[] {
  const found = new Set<string>();
  for (const text of texts) {
    const address = canonical(text);
    if (address !== undefined) found.add(address);
  }
  return [...found];
}
