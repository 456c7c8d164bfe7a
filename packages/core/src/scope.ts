// SPDX-License-Identifier: MIT

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
