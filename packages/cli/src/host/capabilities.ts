// SPDX-License-Identifier: MIT

import { readText } from "./files.js";

/** Numbers of <linux/capability.h>, and what each is needed for. */
export const capabilities = {
  CAP_BPF: { bit: 39, for: "loading BPF programs and maps" },
  CAP_PERFMON: { bit: 38, for: "tracing programs, probes and kernel reads" },
  CAP_NET_ADMIN: { bit: 12, for: "programs of sockets and cgroups, netlink of conntrack" },
  CAP_SYS_PTRACE: { bit: 19, for: "files and names of other users' processes" },
  CAP_DAC_READ_SEARCH: { bit: 2, for: "libraries and passwd files in other users' directories" },
  CAP_SYS_RESOURCE: { bit: 24, for: "locked memory for maps before Linux 5.11" },
  CAP_SYSLOG: { bit: 34, for: "addresses of kernel symbols where kptr_restrict is 1" },
  CAP_SYS_ADMIN: { bit: 21, for: "all of BPF before Linux 5.8, network namespaces of others" },
} as const;

export type CapabilityName = keyof typeof capabilities;

/** True: effective. CAP_SYS_ADMIN contains CAP_BPF and CAP_PERFMON. */
export type CapabilitySet = Readonly<Record<CapabilityName, boolean>>;

/** The capabilities of this process, one by one. */
export function ownCapabilities(): CapabilitySet {
  return capabilitiesOf(/^CapEff:\s*([0-9a-f]+)/m.exec(readText("/proc/self/status"))?.[1] ?? "0");
}

/** @param mask hexadecimal, as /proc/PID/status writes it */
export function capabilitiesOf(mask: string): CapabilitySet {
  const effective = BigInt(`0x${mask}`);
  const has = (name: CapabilityName) => ((effective >> BigInt(capabilities[name].bit)) & 1n) === 1n;
  const names = Object.keys(capabilities) as CapabilityName[];
  const implied = (name: CapabilityName) => (name === "CAP_BPF" || name === "CAP_PERFMON") && has("CAP_SYS_ADMIN");
  return Object.fromEntries(names.map((name) => [name, has(name) || implied(name)])) as CapabilitySet;
}

/** Those of `needed` that are not there; a name this table does not have is not judged. */
export const missingOf = (needed: readonly string[], set: CapabilitySet): readonly string[] =>
  needed.filter((name) => name in set && !set[name as CapabilityName]);
