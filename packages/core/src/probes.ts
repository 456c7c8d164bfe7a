// SPDX-License-Identifier: MIT

import type { Scope } from "./scope.js";

/**
 * Where a user-space probe goes: an executable or library by path, for every process or for one alone, or whatever a
 * process runs. Limited to a process, others that use the file pay nothing.
 */
export type UserTarget = { readonly path: string; readonly pid?: number } | { readonly pid: number };

/**
 * Where one BPF program is attached.
 *
 * `cgroup_*` kinds and `sockops` without an explicit `cgroup` attach to every cgroup of the agent's scope,
 * or to the root of the cgroup v2 hierarchy when the scope is the whole host.
 * `iter` programs are attached when they are read ({@link Session.iterator}), not at start.
 */
export type Attach =
  | { readonly kind: "fentry" | "fexit"; readonly fn: string }
  | { readonly kind: "kprobe" | "kretprobe"; readonly fn: string }
  | { readonly kind: "tracepoint"; readonly category: string; readonly event: string }
  | { readonly kind: "tp_btf" | "raw_tp"; readonly event: string }
  | {
      readonly kind: "uprobe" | "uretprobe";
      readonly target?: UserTarget;
      readonly symbol?: string;
      readonly offset?: bigint;
    }
  | { readonly kind: "cgroup_skb"; readonly direction: "ingress" | "egress"; readonly cgroup?: string }
  | { readonly kind: "cgroup_sock_addr" | "cgroup_sock"; readonly hook: string; readonly cgroup?: string }
  | { readonly kind: "sockops"; readonly cgroup?: string }
  | { readonly kind: "iter"; readonly target: string; readonly map?: string };

/** Something a host may or may not offer; `probe()` of a backend answers for it by trying. */
export type Capability =
  `map:${string}` | `prog:${string}` | `helper:${string}` | `ksym:${string}` | `btf:${string}` | `kconfig:${string}`;

/** Programs that only make sense together: one rung of a ladder. */
export interface Strategy {
  /** Short and stable: shown by `skep doctor`, accepted by `--strategy GROUP=NAME`. */
  readonly name: string;
  /** BPF program name (the C function) -> where it attaches. Several places: an array. */
  readonly programs: Readonly<Record<string, Attach | readonly Attach[]>>;
  /** Cheap pre-checks. Only a definite "no" skips the strategy; "could not tell" means try. */
  readonly requires?: readonly Capability[];
  /** Constants of `.rodata` that tell the object which strategy runs. */
  readonly rodata?: Readonly<Record<string, number | bigint | boolean>>;
  /** What this rung cannot see, for humans. Absent: nothing is missing, the rung is "full". */
  readonly limits?: string;
}

/** A ladder of strategies. The first that loads *and* attaches wins. */
export interface ProbeGroup {
  /** Which of the plugin's objects holds the programs. Default: its only object. */
  readonly object?: string;
  /** An optional group that cannot run degrades the plugin; a mandatory one makes it unavailable. */
  readonly optional?: boolean;
  /** Runs only when the agent's scope names things of this kind; core leaves the group out otherwise. */
  readonly onlyScopedBy?: keyof Scope;
  /** Human words for what the group observes. */
  readonly observes: string;
  readonly strategies: readonly [Strategy, ...Strategy[]];
}

/** Tri-state answer to "can this host do it?". `undefined` in `supported` means it could not be told. */
export interface Verdict {
  readonly supported: boolean | undefined;
  /** Why not, or why it could not be told: kernel, lockdown, capability... with the words of libbpf or the verifier. */
  readonly reason?: string;
}
