// SPDX-License-Identifier: MIT

import { existsSync } from "node:fs";
import { arch, release } from "node:os";
import { join } from "node:path";
import { customBtf, libbpfVersion } from "@skep/backend-libbpf";
import { ownCapabilities, type CapabilitySet } from "./host/capabilities.js";
import { conntrack, type Conntrack } from "./host/conntrack.js";
import { readNumber, readText } from "./host/files.js";
import { mountsOf, type Mounts } from "./host/mounts.js";
import { selinux, type Selinux } from "./host/selinux.js";

/** What decides about eBPF on a host, as the host itself says it. */
export interface HostFacts {
  /** `uname -r`. */
  readonly kernel: string;
  readonly arch: string;
  readonly node: string;
  /** Version of the libbpf that is used, such as `1.1`; null when there is none that fits. */
  readonly libbpf: string | null;
  readonly root: boolean;
  /** Effective capabilities of this process. */
  readonly capabilities: CapabilitySet;
  /** Does the kernel describe its own types (CO-RE needs it)? With `btf_path`: is there a description for this kernel? */
  readonly btf: boolean;
  /** The file it is read from; null when there is none. */
  readonly btf_path: string | null;
  /** Where the cgroup v2 hierarchy is mounted; null when it is not. */
  readonly cgroup2: string | null;
  readonly mounts: Mounts;
  /** `none`, `integrity` or `confidentiality`; null when the kernel does not say. */
  readonly lockdown: string | null;
  /** Linux security modules, in their order; empty when the kernel does not say. */
  readonly lsm: readonly string[];
  readonly selinux: Selinux;
  readonly conntrack: Conntrack;
  /** Does the kernel have IPv6, and is it on? */
  readonly ipv6: "on" | "disabled" | "absent";
  /** kernel.perf_event_paranoid: above 2 unprivileged users, on Debian root without CAP_PERFMON too, may open no event; null: unknown. */
  readonly perf_event_paranoid: number | null;
  /** kernel.unprivileged_bpf_disabled: 1 and 2 are no hindrance to Skep. */
  readonly unprivileged_bpf_disabled: number | null;
  /** Mounts of the host's file systems that a container was told of: `HOST_PROC`, `HOST_ROOT`. */
  readonly host_proc: string;
  readonly host_root: string;
}

/** @param btfPath the configuration's `btf_path` */
export function hostFacts(btfPath?: string): HostFacts {
  const proc = process.env["HOST_PROC"] || "/proc";
  const sys = process.env["HOST_SYS"] || "/sys";
  const root = process.env["HOST_ROOT"] || "/";
  const mounts = mountsOf(readText("/proc/self/mountinfo"));
  const own = join(sys, "kernel/btf/vmlinux");
  const btf = btfPath === undefined ? (existsSync(own) ? own : undefined) : customBtf(btfPath, root);
  return {
    kernel: release(),
    arch: arch(),
    node: process.versions.node,
    libbpf: libbpfOfHost(),
    root: process.getuid?.() === 0,
    capabilities: ownCapabilities(),
    btf: btf !== undefined,
    btf_path: btf ?? null,
    cgroup2: mounts.cgroup2,
    mounts,
    lockdown: /\[(\w+)\]/.exec(readText(join(sys, "kernel/security/lockdown")))?.[1] ?? null,
    lsm: readText(join(sys, "kernel/security/lsm")).trim().split(",").filter(Boolean),
    selinux: selinux(join(sys, "fs/selinux")),
    conntrack: conntrack(proc),
    ipv6: ipv6Of(proc),
    perf_event_paranoid: readNumber(join(proc, "sys/kernel/perf_event_paranoid")),
    unprivileged_bpf_disabled: readNumber(join(proc, "sys/kernel/unprivileged_bpf_disabled")),
    host_proc: proc,
    host_root: root,
  };
}

function ipv6Of(proc: string): HostFacts["ipv6"] {
  const disabled = readNumber(join(proc, "sys/net/ipv6/conf/all/disable_ipv6"));
  return disabled === null ? "absent" : disabled === 0 ? "on" : "disabled";
}

function libbpfOfHost(): string | null {
  try {
    return libbpfVersion();
  } catch {
    return null; // the plugins' reasons say why
  }
}
