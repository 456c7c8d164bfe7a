// SPDX-License-Identifier: MIT

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { customBtf } from "./custom-btf.js";

/** Where the host's kernel is looked at; all have defaults. In a container `HOST_PROC` and `HOST_SYS` name mounts. */
export interface HostPaths {
  readonly proc?: string;
  readonly sys?: string;
  /**
   * Types of this kernel, for one that does not tell them itself: a raw BTF file, or a directory with `RELEASE.btf` in it, plain or
   * as BTFHub's archive has it (`ID/VERSION/ARCH/RELEASE.btf`). Where given, it is used instead of the kernel's own.
   */
  readonly btf?: string;
  /** Root of the cgroup v2 hierarchy. Default: where it is mounted. */
  readonly cgroup?: string;
}

/** Numbers of <linux/capability.h>. */
const capabilities = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
export type CapabilityName = keyof typeof capabilities;

/** Lockdown modes that matter to BPF, or undefined when the kernel does not say. */
export type Lockdown = "none" | "integrity" | "confidentiality" | undefined;

/** What this host says of itself in files. Nothing is cached: lockdown can be raised and modules loaded at any time. */
export class Host {
  readonly proc: string;
  readonly sys: string;
  private readonly fsRoot = process.env["HOST_ROOT"] ?? "/";

  constructor(private readonly paths: HostPaths = {}) {
    this.proc = paths.proc ?? process.env["HOST_PROC"] ?? "/proc";
    this.sys = paths.sys ?? process.env["HOST_SYS"] ?? "/sys";
  }

  get hasBtf(): boolean {
    return this.paths.btf === undefined
      ? existsSync(join(this.sys, "kernel/btf/vmlinux"))
      : this.customBtf !== undefined;
  }

  /** The BTF file to use instead of the kernel's own; undefined when none was asked for, or there is none. */
  get customBtf(): string | undefined {
    return this.paths.btf === undefined ? undefined : customBtf(this.paths.btf, this.fsRoot);
  }

  /** Where it was looked for, for messages. */
  get btfPath(): string {
    return this.paths.btf ?? join(this.sys, "kernel/btf/vmlinux");
  }

  /** The kernel's perf source for kprobes or uprobes; without it libbpf would leave names behind in tracefs. */
  hasPerfSource(name: "kprobe" | "uprobe"): boolean {
    return existsSync(join(this.sys, "bus/event_source/devices", name, "type"));
  }

  lockdown(): Lockdown {
    const modes = this.read(join(this.sys, "kernel/security/lockdown"));
    return modes?.match(/\[(none|integrity|confidentiality)\]/)?.[1] as Lockdown;
  }

  /** Names of capabilities this process lacks. Always of itself, so never `HOST_PROC`. */
  missingCapabilities(): readonly CapabilityName[] {
    const mask = this.read("/proc/self/status")?.match(/^CapEff:\s*([0-9a-f]+)/m)?.[1];
    if (mask === undefined) return [];
    const effective = BigInt(`0x${mask}`);
    const has = (name: CapabilityName) => (effective >> BigInt(capabilities[name])) & 1n;
    return (Object.keys(capabilities) as CapabilityName[]).filter((name) => !has(name));
  }

  /** Mount point of the cgroup v2 hierarchy, also where v1 hierarchies stand beside it; undefined when there is none. */
  cgroupRoot(): string | undefined {
    if (this.paths.cgroup !== undefined) return this.paths.cgroup;
    for (const line of (this.read("/proc/self/mountinfo") ?? "").split("\n")) {
      const [mount, filesystem] = line.split(" - ");
      if (filesystem?.startsWith("cgroup2 ")) return unescapeMount(mount?.split(" ")[4] ?? "");
    }
    return undefined;
  }

  /** cgroup v2 directory of a process, below the hierarchy's root; undefined when the process is gone. */
  cgroupOf(pid: number): string | undefined {
    return this.read(join(this.proc, String(pid), "cgroup"))?.match(/^0::(.*)$/m)?.[1];
  }

  /** The kernel's build options, when it shows them. */
  kernelConfig(): string | undefined {
    const packed = readBytes(join(this.proc, "config.gz"));
    if (packed !== undefined) return gunzipSync(packed).toString();
    const release = this.read(join(this.proc, "sys/kernel/osrelease"))?.trim();
    return release === undefined ? undefined : this.read(`/boot/config-${release}`);
  }

  /** The whole of kallsyms, about 10 MB. */
  kernelSymbols(): Buffer | undefined {
    return readBytes(join(this.proc, "kallsyms"));
  }

  private read(path: string): string | undefined {
    return readBytes(path)?.toString();
  }
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** mountinfo writes blanks and backslashes in octal. */
const unescapeMount = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
