// SPDX-License-Identifier: MIT

import type { ProbeGroup } from "./probes.js";

/**
 * What an agent may observe. Empty: the whole host. Kinds add up (a socket is in scope when any of them matches),
 * and children of a scoped process or cgroup are in scope. Enforced in the kernel, before any copy
 * (`skep/scope.bpf.h` of @skep/bpf-toolchain).
 */
export interface Scope {
  /** Directories in the cgroup v2 hierarchy. */
  readonly cgroups?: readonly string[];
  /** Process ids in the host's pid namespace. */
  readonly pids?: readonly number[];
  /** Network namespace files, such as `/run/netns/blue` or `/proc/42/ns/net`. */
  readonly netns?: readonly string[];
}

export const isWholeHost = (scope: Scope): boolean =>
  !scope.cgroups?.length && !scope.pids?.length && !scope.netns?.length;

/**
 * The probe group of `skep/scope_fork.bpf.h`: it follows a scope by pid into children that are born later. A plugin whose
 * object includes that header spreads it into its probes: `probes: { ...myProbes, ...scopeProbes }`. One with several
 * objects includes it in one of them, since they share `scope_pids`, and says which:
 * `scope: { ...scopeProbes.scope, object: "name" }`.
 */
export const scopeProbes = {
  scope: {
    observes: "forks and exits of the processes in a scope by pid",
    onlyScopedBy: "pids",
    strategies: [
      {
        name: "tp_btf",
        programs: {
          scope_fork: { kind: "tp_btf", event: "task_newtask" },
          scope_exit: { kind: "tp_btf", event: "sched_process_exit" },
        },
      },
    ],
  },
} as const satisfies Record<string, ProbeGroup>;
