// SPDX-License-Identifier: MIT

import { parseAddress } from "../../../src/nat/addresses.js";
import { Entry, ENTRY_WORDS, type Kind, Transport } from "../../../src/nat/entry.js";

export interface Flow {
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  readonly netns: number;
  readonly zone: number;
  readonly transport: "tcp" | "udp";
  /** Where it goes: `ip port`. */
  readonly to: readonly [ip: string, port: number];
}

export const flow: Flow = {
  src: "192.0.2.1",
  sport: 40000,
  dst: "198.51.100.9",
  dport: 80,
  netns: 7,
  zone: 0,
  transport: "tcp",
  to: ["192.0.2.2", 8080],
};

/** The words of an entry. */
export function words(over: Partial<Flow> = {}, kind: Kind | 0 = 0): Uint32Array {
  const { src, sport, dst, dport, netns, zone, transport, to } = { ...flow, ...over };
  const entry = new Uint32Array(ENTRY_WORDS);
  parseAddress(src, entry, Entry.src);
  parseAddress(dst, entry, Entry.dst);
  parseAddress(to[0], entry, Entry.nat);
  entry[Entry.ports] = sport | (dport << 16);
  entry[Entry.netns] = netns;
  entry[Entry.kind] = zone | (Transport[transport === "tcp" ? "TCP" : "UDP"] << 16) | (kind << 24);
  entry[Entry.natPort] = to[1];
  return entry;
}
