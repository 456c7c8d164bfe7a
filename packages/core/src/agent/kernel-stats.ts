// SPDX-License-Identifier: MIT

/**
 * Indices of the per-CPU array `skep_stats` (u64 values) that a BPF object may have: what the kernel side had to drop.
 * Core reads it at each flush and counts the difference as observed and dropped. An `_unused` index is reserved.
 */
export const kernelStats = ["ring_full", "map_full", "truncated", "unreadable", "out_of_scope_unused"] as const;
