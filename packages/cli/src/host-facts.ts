// SPDX-License-Identifier: MIT

import { existsSync, readFileSync } from "node:fs";
import { arch, release } from "node:os";
import { libbpfVersion } from "@skep/backend-libbpf";
import { cgroup2Mount } from "./cgroup.js";

/** What decides about eBPF on a host, as the host itself says it. */
export interface HostFacts {
  /** `uname -r`. */
  readonly kernel: string;
  readonly arch: string;
  readonly node: string;
  /** Version of the libbpf that is used, such as `1.1`; null when there is none that fits. */
  readonly libbpf: string | null;
  readonly root: boolean;
  /** Does the kernel describe its own types (CO-RE needs it)? */
  readonly btf: boolean;
  /** Where the cgroup v2 hierarchy is mounted; null when it is not. */
  readonly cgroup2: string | null;
  /** `none`, `integrity` or `confidentiality`; null when the kernel does not say. */
  readonly lockdown: string | null;
}

export const hostFacts = (): HostFacts => ({
  kernel: release(),
  arch: arch(),
  node: process.versions.node,
  libbpf: libbpfOfHost(),
  root: process.getuid?.() === 0,
  btf: existsSync("/sys/kernel/btf/vmlinux"),
  cgroup2: cgroup2Mount()?.point ?? null,
  lockdown: /\[(\w+)\]/.exec(readText("/sys/kernel/security/lockdown"))?.[1] ?? null,
});

function libbpfOfHost(): string | null {
  try {
    return libbpfVersion();
  } catch {
    return null; // the plugins' reasons say why
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
