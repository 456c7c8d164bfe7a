// SPDX-License-Identifier: MIT

import { type Attach, type ProbeGroup, scopeProbes } from "@skep/core";

const inserted = { kind: "kprobe", fn: "__nf_conntrack_hash_insert" } as const satisfies Attach;

/**
 * The group whose strategy says where entries come from. An end is hooked where every entry passes once, its destruction:
 * compilers split `nf_ct_delete` so that some callers miss the hook (5.10, 7.2).
 */
export const ENTRIES = "entries";

/** The strategy without programs: plugin and kernel talk netlink. */
export const CTNETLINK = "ctnetlink";

export const conntrackProbes = {
  [ENTRIES]: {
    observes: "connection tracking entries that translate the destination, as they come and go",
    strategies: [
      {
        name: "fentry",
        programs: {
          insert_fentry: { kind: "fentry", fn: "__nf_conntrack_hash_insert" },
          end_fentry: { kind: "fentry", fn: "nf_ct_destroy" },
        },
      },
      {
        name: "kprobe",
        programs: { insert_kprobe: inserted, end_kprobe: { kind: "kprobe", fn: "nf_ct_destroy" } },
      },
      {
        // Its name until Linux 5.18 (6ae7989c9af0).
        name: "kprobe_destroy_conntrack",
        programs: { insert_kprobe: inserted, end_kprobe: { kind: "kprobe", fn: "destroy_conntrack" } },
      },
      {
        name: "kprobe_nf_ct_delete",
        programs: { insert_kprobe: inserted, end_kprobe: { kind: "kprobe", fn: "nf_ct_delete" } },
        limits: "the end of an entry may be noticed only by the next dump",
      },
      {
        name: CTNETLINK,
        programs: {},
        limits:
          "entries that end before a new network namespace is found " +
          "(at once where it is mounted, as those of containers are; otherwise within 5 seconds); " +
          "with a scope by cgroup or process, entries of others are read too, though never told",
      },
    ],
  },
  ...scopeProbes,
} as const satisfies Record<string, ProbeGroup>;
