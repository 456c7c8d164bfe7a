// SPDX-License-Identifier: MIT

import { Errno } from "./ffi.js";

/** What was being done when the kernel refused. */
export type Step = "enter" | "open" | "ask";

/** Troubles with ctnetlink in an operator's words, with the mend. */
export const troubles = {
  noModule:
    "the kernel has no ctnetlink: module nf_conntrack_netlink (CONFIG_NF_CT_NETLINK) is neither loaded nor can it be; " +
    "`modprobe nf_conntrack_netlink` tells why",
  notEntered: "network namespaces other than the agent's own cannot be entered: it lacks CAP_SYS_ADMIN",
  notAllowed: "ctnetlink is refused: the agent lacks CAP_NET_ADMIN",
  eventsOff:
    "a network namespace tells no events, so that translations are found by dumps only: " +
    "sysctl net.netfilter.nf_conntrack_events is 0 there",
} as const;

/** Adds what an errno means at a step. A namespace that is no more is no trouble. */
export function troubleWith(step: Step, errno: number, found: Set<string>): void {
  if (errno === Errno.ENOENT) return;
  found.add(wordsFor(step, errno));
}

function wordsFor(step: Step, errno: number): string {
  if (errno === Errno.EPERM) return step === "enter" ? troubles.notEntered : troubles.notAllowed;
  const isMissing: readonly number[] =
    step === "ask" ? [Errno.EINVAL, Errno.EOPNOTSUPP] : [Errno.EPROTONOSUPPORT, Errno.EAFNOSUPPORT];
  if (step !== "enter" && isMissing.includes(errno)) return troubles.noModule;
  const what = {
    enter: "a network namespace cannot be entered",
    open: "no netfilter socket",
    ask: "ctnetlink refused",
  };
  return `${what[step]}: errno ${errno}`;
}
