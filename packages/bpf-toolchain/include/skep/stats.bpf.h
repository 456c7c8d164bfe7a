/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the kernel side could not hand over. Core reads `skep_stats` at every flush and counts the growth as
 * observed and dropped, so nothing is lost in silence. Indices are those of `kernelStats` in @skep/core.
 */
#pragma once

enum skep_stat {
	SKEP_RING_FULL = 0,
	SKEP_MAP_FULL = 1,
	SKEP_TRUNCATED = 2,
	SKEP_UNREADABLE = 3,
	/* Plaintext of which it is not known whose connection it belongs to. */
	SKEP_UNBOUND = 5,
	SKEP_STATS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SKEP_STATS);
	__type(key, __u32);
	__type(value, __u64);
} skep_stats SEC(".maps");

static __always_inline void skep_count(enum skep_stat stat)
{
	__u32 index = stat;
	__u64 *count = bpf_map_lookup_elem(&skep_stats, &index);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/*
 * Whether bpf_map_update_elem stored nothing although the key was new: the map is full, or busy. Until 6.4
 * (d7ba4cc900bf) the kernel's function returned an int, whose upper half a program finds zero: compared as it is, no
 * error would ever look negative.
 */
static __always_inline int skep_not_stored(long error)
{
	return (int)error != 0 && (int)error != -17 /* EEXIST */;
}
