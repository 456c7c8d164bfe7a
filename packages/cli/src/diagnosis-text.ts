// SPDX-License-Identifier: MIT

import type { Diagnosis, GroupDiagnosis, PluginDiagnosis } from "./diagnosis.js";
import type { HostFacts } from "./host-facts.js";
import { capabilities, type CapabilityName } from "./host/capabilities.js";
import { meaningOf } from "./host/selinux.js";

/** `skep doctor` for people. */
export const formatDiagnosis = ({ host, plugins }: Diagnosis): string =>
  [...hostLines(host), ...plugins.flatMap((plugin) => ["", ...pluginLines(plugin)]), ""].join("\n");

function hostLines(host: HostFacts): string[] {
  const { mounts, conntrack } = host;
  const facts: readonly (readonly [string, string])[] = [
    ["kernel", `Linux ${host.kernel} ${host.arch}`],
    ["libbpf", host.libbpf ?? "none that fits"],
    ["BTF", host.btf_path ?? "none: see btf_path"],
    ["lockdown", lockdowns[host.lockdown ?? ""] ?? "unknown: securityfs is not mounted, or the kernel has no lockdown"],
    ["SELinux", meaningOf(host.selinux)],
    ["LSMs", host.lsm.join(", ") || "unknown"],
    ["root", host.root ? "yes" : "no"],
    ...capabilityLines(host),
    ["cgroups", `${mounts.cgroup}${mounts.cgroup2 === null ? "" : `, v2 at ${mounts.cgroup2}`}`],
    ["debugfs", mounts.debugfs ?? "not mounted: not needed"],
    ["tracefs", mounts.tracefs ?? "not mounted: tracepoints by name cannot be had, others can"],
    ["conntrack", conntrack.loaded ? `loaded; ${symbolsOf(host)}` : "not loaded: there is no NAT to tell of"],
    ["IPv6", ipv6[host.ipv6]],
    ["perf paranoid", paranoidOf(host.perf_event_paranoid)],
    ["/proc, /", `${host.host_proc}, ${host.host_root}`],
  ];
  return facts.map(([name, value]) => `${name.padEnd(width)}${value}`);
}

const lockdowns: Readonly<Record<string, string>> = {
  none: "none",
  integrity: "integrity: no kprobes, no writing to kernel memory",
  confidentiality: "confidentiality: no kprobes, no reading of kernel memory",
};
const ipv6: Readonly<Record<HostFacts["ipv6"], string>> = {
  on: "on",
  disabled: "disabled by sysctl: connections over it are still seen, should there be any",
  absent: "the kernel has none",
};

function capabilityLines(host: HostFacts): (readonly [string, string])[] {
  return Object.entries(capabilities).map(([name, { for: use }]) => {
    const has = host.capabilities[name as CapabilityName];
    return [`  ${name.slice("CAP_".length)}`, `${has ? "yes" : "NO "}  ${use}`] as const;
  });
}

function symbolsOf({ conntrack: { symbols } }: HostFacts): string {
  if (symbols === null) return "kernel symbols cannot be read";
  return Object.entries(symbols)
    .map(([name, has]) => `${name} ${has ? "is there" : "is not"}`)
    .join(", ");
}

function paranoidOf(level: number | null): string {
  if (level === null) return "unknown";
  return level > 2 ? `${level}: events only with CAP_PERFMON` : String(level);
}

function pluginLines({ name, support, reasons, groups, missing_capabilities, mend }: PluginDiagnosis): string[] {
  return [
    `${name.padEnd(width)}${support}`,
    ...groups.flatMap(groupLines),
    // Reasons that a group's own line does not say already.
    ...reasons
      .filter((reason) => !groups.some(({ limits }) => limits && reason.includes(limits)))
      .map((r) => indent("because", r)),
    ...(missing_capabilities.length === 0 ? [] : [indent("lacks", missing_capabilities.join(", "))]),
    ...(mend === null ? [] : [indent("mend", mend)]),
  ];
}

function groupLines({ group, observes, strategy, limits, refused }: GroupDiagnosis): string[] {
  return [
    indent(group, `${strategy ?? "none works here"}: ${observes}`),
    ...(limits === null ? [] : [indent("", `cannot see: ${limits}`)]),
    ...refused.map((other) => indent("", `not ${other.name}: ${other.reason}`)),
  ];
}

const width = 19;
const indent = (label: string, text: string): string => `  ${label.padEnd(width - 2)}${text.replaceAll("\n", " ")}`;
