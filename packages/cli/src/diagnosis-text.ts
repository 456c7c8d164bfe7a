// SPDX-License-Identifier: MIT

import type { Diagnosis, GroupDiagnosis, PluginDiagnosis } from "./diagnosis.js";
import type { HostFacts } from "./host-facts.js";

/** `skep doctor` for people. */
export const formatDiagnosis = ({ host, plugins }: Diagnosis): string =>
  [...hostLines(host), ...plugins.flatMap((plugin) => ["", ...pluginLines(plugin)]), ""].join("\n");

function hostLines(host: HostFacts): string[] {
  const facts: readonly (readonly [string, string])[] = [
    ["kernel", `Linux ${host.kernel} ${host.arch}`],
    ["libbpf", host.libbpf ?? "none that fits"],
    ["lockdown", host.lockdown ?? "unknown"],
    ["BTF", host.btf ? "yes" : "no"],
    ["cgroup v2", host.cgroup2 ?? "not mounted"],
    ["root", host.root ? "yes" : "no"],
  ];
  return facts.map(([name, value]) => `${name.padEnd(width)}${value}`);
}

function pluginLines({ name, support, reasons, groups, mend }: PluginDiagnosis): string[] {
  return [
    `${name.padEnd(width)}${support}`,
    ...groups.flatMap(groupLines),
    // Reasons that a group's own line does not say already.
    ...reasons
      .filter((reason) => !groups.some(({ limits }) => limits && reason.includes(limits)))
      .map((r) => indent("because", r)),
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

const width = 16;
const indent = (label: string, text: string): string => `  ${label.padEnd(width - 2)}${text.replaceAll("\n", " ")}`;
