// SPDX-License-Identifier: MIT
// Real rules of destination NAT between two namespaces, and what `conntrack` says of the flows through them.

import { execFileSync } from "node:child_process";
import { type Netns, netnsPair, type Teardown } from "@skep/testkit";

export type Tool = "nft" | "iptables" | "iptables-legacy";

export interface Rule {
  readonly tool?: Tool;
  /** `output`: where the client is. `prerouting`: where its packets arrive. Default `output`. */
  readonly hook?: "output" | "prerouting";
  readonly transport: "tcp" | "udp";
  readonly from: Address;
  readonly to: Address;
}

export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** Nobody has these addresses: who sends to them is translated, or gets no answer. */
export const virtual = { v4: "198.51.100.9", v6: "fd00:5ce9:f::9" } as const;

export interface NatPair {
  readonly client: Netns;
  readonly server: Netns;
}

/** Two namespaces; packets to the {@link virtual} addresses go from the first to the second. */
export function natPair(t: Teardown): NatPair {
  const [client, server] = netnsPair(t);
  run(client, "ip", "route", "add", virtual.v4, "via", server.v4);
  run(client, "ip", "-6", "route", "add", virtual.v6, "via", server.v6);
  return { client, server };
}

/** Runs a command in a namespace; what it printed. */
export function run(netns: Pick<Netns, "name">, command: string, ...args: readonly string[]): string {
  return execFileSync("ip", ["netns", "exec", netns.name, command, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 28,
  });
}

export function translate(netns: Netns, rule: Rule): void {
  const { tool = "nft", hook = "output", transport, from, to } = rule;
  const v6 = from.ip.includes(":");
  const target = `${v6 ? `[${to.ip}]` : to.ip}:${to.port}`;
  if (tool === "nft") {
    const family = v6 ? "ip6" : "ip";
    const script = [
      `add table ${family} skep`,
      `add chain ${family} skep ${hook} { type nat hook ${hook} priority -100 ; }`,
      `add rule ${family} skep ${hook} ${family} daddr ${from.ip} ${transport} dport ${from.port} dnat to ${target}`,
    ];
    run(netns, "nft", script.join("; "));
    return;
  }
  const command = v6 ? tool.replace("iptables", "ip6tables") : tool;
  const match = ["-p", transport, "-d", from.ip, "--dport", String(from.port)];
  run(netns, command, "-t", "nat", "-A", hook.toUpperCase(), ...match, "-j", "DNAT", "--to-destination", target);
}

/** Takes back what `translate` did with nft. */
export const withoutRules = (netns: Netns): void => void run(netns, "nft", "flush ruleset");

/** One line of `conntrack -L`. */
export interface Tracked {
  readonly transport: string;
  readonly src: Address;
  readonly dst: Address;
  /** Who answers. */
  readonly target: Address;
}

/** What the kernel's own tool knows of a namespace's TCP or UDP entries whose destination is translated. */
export function trackedIn(netns: Netns, transport: "tcp" | "udp", family: "ipv4" | "ipv6" = "ipv4"): Tracked[] {
  const listing = run(netns, "conntrack", "-L", "-f", family, "-p", transport);
  return listing.split("\n").flatMap((line) => {
    const all = (name: string) => [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, "g"))].map((match) => match[1]!);
    const [src, target] = all("src");
    const [dst] = all("dst");
    const [sport, replySport] = all("sport").map(Number);
    const [dport] = all("dport").map(Number);
    if (!src || !target || !dst || !sport || !dport || !replySport) return [];
    if (target === dst && replySport === dport) return [];
    return [
      {
        transport,
        src: { ip: src, port: sport },
        dst: { ip: dst, port: dport },
        target: { ip: target, port: replySport },
      },
    ];
  });
}

/** Deletes the entries of a transport to a destination. */
export const forget = (netns: Netns, transport: "tcp" | "udp", destination: Address): void =>
  void run(netns, "conntrack", "-D", "-p", transport, "-d", destination.ip, "--dport", String(destination.port));
