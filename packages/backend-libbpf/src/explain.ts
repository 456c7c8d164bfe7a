// SPDX-License-Identifier: MIT

import { SkepError, type ErrorCode } from "@skep/core";
import { errno, errnoName, systemError } from "./errno.js";
import type { CapabilityName, Lockdown } from "./host.js";
import { essence } from "./log.js";

/** What an explanation needs to know of the host. */
export interface Privileges {
  lockdown(): Lockdown;
  missingCapabilities(): readonly CapabilityName[];
}

/** An operation of libbpf that failed. */
export interface Failure {
  /** `SKEP_ERR_LOAD`, `SKEP_ERR_ATTACH`...; a want of privileges turns it into `SKEP_ERR_PERMISSION`. */
  readonly code: ErrorCode;
  readonly plugin: string;
  readonly phase: string;
  /** What was tried: `load object net`, `attach program on_close (tp_btf inet_sock_set_state)`. */
  readonly what: string;
  /** errno, either sign. */
  readonly errno: number;
  /** What libbpf printed meanwhile. */
  readonly printed: readonly string[];
}

/** Turns a failure into the error a user sees: errno by name, libbpf's and the verifier's own words, and the mend. */
export function explain(failure: Failure, host: Privileges): SkepError {
  const words = essence(failure.printed);
  const explanation = explanationOf(Math.abs(failure.errno), words, host);
  const parts = [`${failure.plugin}: ${failure.what}: ${errnoName(failure.errno)}`, explanation?.reason, words];
  return new SkepError(
    explanation?.lacksPrivileges ? "SKEP_ERR_PERMISSION" : failure.code,
    parts.filter((part) => part !== undefined && part !== "").join(": "),
    {
      plugin: failure.plugin,
      phase: failure.phase,
      cause: systemError(failure.errno),
      ...(explanation === undefined ? {} : { hint: explanation.hint }),
    },
  );
}

interface Explanation {
  readonly reason: string;
  readonly hint: string;
  readonly lacksPrivileges?: boolean;
}

function explanationOf(code: number, words: string, host: Privileges): Explanation | undefined {
  if (
    code === errno.EACCES &&
    /u(ret)?probe .*perf event/.test(words) &&
    host.missingCapabilities().includes("CAP_SYS_ADMIN")
  ) {
    return userProbesWantAll;
  }
  if (code === errno.EPERM) return explainRefusal(host);
  if (code === errno.EAGAIN) return interrupted;
  return undefined;
}

/**
 * CAP_PERFMON was enough for user probes from Linux 5.8 until 6.16 and the stable kernels of July 2025:
 * https://git.kernel.org/linus/ba677dbe77af5ffe6204e0f3f547f3ba059c6302
 */
const userProbesWantAll: Explanation = {
  reason: "this process lacks CAP_SYS_ADMIN, which user probes take on this kernel",
  hint: "give CAP_SYS_ADMIN besides the others: from Linux 6.16, and stable kernels of July 2025, CAP_PERFMON is not enough for user probes",
  lacksPrivileges: true,
};

/** What a thread cannot hold back (see signals.ts) interrupts the verifier still; libbpf has tried five times. */
const interrupted: Explanation = {
  reason: "the verifier was interrupted each time",
  hint: "do not stop, freeze or trace this process while it loads; signals it can hold back, those of profilers too, do no harm",
};

/** What a capability is needed for is known only to the kernel, so all that BPF may need are asked for at once. */
const PRIVILEGES_HINT =
  "run as root, or give CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (systemd: AmbientCapabilities; containers: cap_add)";

/** Capabilities without which BPF programs cannot be loaded at all. CAP_SYS_ADMIN stands for the newer ones. */
export function missingForBpf(host: Privileges): readonly CapabilityName[] {
  const missing = host.missingCapabilities();
  return missing.includes("CAP_SYS_ADMIN") ? missing.filter((name) => name !== "CAP_SYS_ADMIN") : [];
}

/** @throws SkepError `SKEP_ERR_PERMISSION` when this process cannot load any BPF program. */
export function requireBpf(host: Privileges, plugin: string): void {
  const missing = missingForBpf(host);
  if (!missing.includes("CAP_BPF")) return;
  throw new SkepError(
    "SKEP_ERR_PERMISSION",
    `${plugin}: this process may not load BPF programs: it lacks ${missing.join(", ")}`,
    {
      plugin,
      phase: "load",
      hint: PRIVILEGES_HINT,
    },
  );
}

/** Why the kernel says EPERM. libbpf's own guess, RLIMIT_MEMLOCK, has not been the reason since Linux 5.11. */
function explainRefusal(host: Privileges): Explanation {
  const missing = missingForBpf(host);
  if (missing.length > 0) {
    return { reason: `this process lacks ${missing.join(", ")}`, hint: PRIVILEGES_HINT, lacksPrivileges: true };
  }
  const mode = host.lockdown();
  if (mode === "integrity" || mode === "confidentiality") {
    return {
      reason: `the kernel is locked down (${mode})`,
      hint: "strategies without kprobes and kernel reads work under lockdown; else boot without lockdown=",
    };
  }
  return {
    reason:
      mode === "none"
        ? "refused although this process has every capability: an LSM (SELinux, AppArmor) or seccomp filter"
        : "refused although this process has every capability: lockdown, an LSM or a seccomp filter",
    hint: "see `dmesg` and the audit log; mount securityfs on /sys/kernel/security to see the lockdown mode",
  };
}
