// SPDX-License-Identifier: MIT

/** What the container of deploy/ has: compared with its manifest, and tried on every kernel. */
export const capabilities = ["BPF", "PERFMON", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_RESOURCE"] as const;
