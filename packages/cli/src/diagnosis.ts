// SPDX-License-Identifier: MIT

import type { AgentStatus, ChosenStrategy, Plugin, PluginStatus } from "@skep/core";
import type { HostFacts } from "./host-facts.js";
import { missingOf } from "./host/capabilities.js";

/** What one probe group of a plugin gets on this host. */
export interface GroupDiagnosis {
  readonly group: string;
  /** Human words for what the group observes. */
  readonly observes: string;
  readonly optional: boolean;
  /** Null: none works here. */
  readonly strategy: string | null;
  /** What that strategy cannot see; null when it misses nothing. */
  readonly limits: string | null;
  /** Better strategies, and why they cannot be had. */
  readonly refused: ChosenStrategy["refused"];
}

export interface PluginDiagnosis {
  readonly name: string;
  readonly support: PluginStatus["support"];
  readonly reasons: readonly string[];
  readonly groups: readonly GroupDiagnosis[];
  /** Capabilities it wants and this process lacks. */
  readonly missing_capabilities: readonly string[];
  /** What would give more; null when nothing is missing or nothing helps. */
  readonly mend: string | null;
}

/** The shape of `skep doctor --json`. */
export interface Diagnosis {
  readonly host: HostFacts;
  readonly plugins: readonly PluginDiagnosis[];
}

/** How much of what was examined must work: {@link meets}. */
export const requirements = ["full", "reduced", "any"] as const;
export type Requirement = (typeof requirements)[number];

/**
 * `full`: every plugin misses nothing. `reduced`: every plugin runs. `any`: at least one runs.
 */
export function meets({ plugins }: Pick<Diagnosis, "plugins">, requirement: Requirement): boolean {
  if (requirement === "full") return plugins.every(({ support }) => support === "full");
  const runs = ({ support }: PluginDiagnosis) => support !== "unavailable";
  return requirement === "reduced" ? plugins.every(runs) : plugins.some(runs);
}

/** @param status of an agent that tried them all */
export function diagnose(host: HostFacts, plugins: readonly Plugin[], status: AgentStatus): Diagnosis {
  const statusOf = (name: string) => status.plugins.find((candidate) => candidate.name === name);
  return { host, plugins: plugins.map((plugin) => diagnosePlugin(plugin, statusOf(plugin.name), host)) };
}

function diagnosePlugin(plugin: Plugin, status: PluginStatus | undefined, host: HostFacts): PluginDiagnosis {
  const groups = Object.entries(status?.strategies ?? {}).map(([group, chosen]): GroupDiagnosis => {
    const probes = plugin.probes[group];
    return {
      group,
      observes: probes?.observes ?? "",
      optional: probes?.optional ?? false,
      strategy: chosen.name ?? null,
      limits: chosen.limits ?? null,
      refused: chosen.refused,
    };
  });
  const { support = "unavailable", reasons = [], error } = status ?? {};
  const missing_capabilities = missingOf(plugin.capabilities, host.capabilities);
  const mend = error?.hint ?? mendFor(support, groups, missing_capabilities, host);
  return { name: plugin.name, support, reasons, groups, missing_capabilities, mend };
}

/** Reasons of refusals that somebody can do something about. */
const mends: readonly (readonly [reason: RegExp, mend: string])[] = [
  [/locked down|lockdown/i, "boot without lockdown= (or Secure Boot) to let kprobes and kernel reads be used"],
  [/BTF/, "use a kernel built with CONFIG_DEBUG_INFO_BTF=y"],
  [/SELinux|AppArmor|LSM/, "allow bpf for this process in the security module's policy"],
];

/** Only what limits the plugin is worth mending: a refused strategy whose successor sees as much is not. */
function mendFor(
  support: PluginStatus["support"],
  groups: readonly GroupDiagnosis[],
  missing: readonly string[],
  { selinux }: HostFacts,
): string | null {
  if (support === "full") return null;
  if (missing.length > 0) {
    return `run as root, or give ${missing.join(", ")} (systemd: AmbientCapabilities=; containers: capabilities.add)`;
  }
  if (selinux.mode === "enforcing" && selinux.denied !== null && selinux.denied.length > 0) {
    const type = selinux.context?.split(":")[2] ?? "its type";
    return `let the SELinux policy say: allow ${type} self:bpf { ${selinux.denied.join(" ")} };`;
  }
  const reasons = groups
    .filter(({ strategy, limits }) => strategy === null || limits !== null)
    .flatMap(({ refused }) => refused.map(({ reason }) => reason));
  return mends.find(([pattern]) => reasons.some((reason) => pattern.test(reason)))?.[1] ?? null;
}
