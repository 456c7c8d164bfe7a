// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import type { Teardown } from "./until.js";

/** One end of a {@link netnsPair}. */
export interface Netns {
  readonly name: string;
  /** As `Scope.netns` takes it. */
  readonly path: string;
  /** Its inode: `netns` in kernel records. */
  readonly inode: number;
  readonly device: string;
  readonly v4: string;
  readonly v6: string;
}

export interface NetnsOptions {
  /** What `tc qdisc add ... netem` takes, on both ends: `["delay", "10ms", "loss", "1%"]`. */
  readonly netem?: readonly string[];
  readonly mtu?: number;
}

let made = 0;

/**
 * Two network namespaces with a cable between them, an IPv4 and an IPv6 address on each end. Removed when the test is done.
 * Needs iproute2; `netem` needs the kernel's sch_netem.
 */
export function netnsPair(t: Teardown, { netem, mtu }: NetnsOptions = {}): readonly [Netns, Netns] {
  const serial = `${process.pid}-${made++}`;
  const names = [`skep-a-${serial}`, `skep-b-${serial}`] as const;
  for (const name of names) {
    ip("netns", "add", name);
    t.teardown(() => ip("netns", "del", name));
  }
  const peer = ["peer", "name", "cable", "netns", names[1]];
  ip("-n", names[0], "link", "add", "cable", "type", "veth", ...peer);
  return [0, 1].map((index) => {
    const name = names[index]!;
    const v4 = `192.0.2.${index + 1}`;
    const v6 = `fd00:5ce9::${index + 1}`;
    const inside = (...args: readonly string[]) => ip("-n", name, ...args);
    inside("link", "set", "lo", "up");
    inside("addr", "add", `${v4}/24`, "dev", "cable");
    // Without nodad an address is not usable for its first second.
    inside("addr", "add", `${v6}/64`, "dev", "cable", "nodad");
    inside("link", "set", "cable", ...(mtu === undefined ? [] : ["mtu", String(mtu)]), "up");
    if (netem) execFileSync("tc", ["-n", name, "qdisc", "add", "dev", "cable", "root", "netem", ...netem]);
    const path = `/run/netns/${name}`;
    return { name, path, inode: statSync(path).ino, device: "cable", v4, v6 };
  }) as unknown as readonly [Netns, Netns];
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
