/* SPDX-License-Identifier: GPL-2.0 */
/* A map that two objects have in common. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef SHARED_VALUE
#define SHARED_VALUE __u64
#endif

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, SHARED_VALUE);
} shared_counts SEC(".maps");

const volatile __u32 shared_tgid = 0;

static __always_inline void count_getppid(struct bpf_raw_tracepoint_args *ctx, __u32 key)
{
	SHARED_VALUE *count, one = 1;
	long id = ctx->args[1];

	if (bpf_get_current_pid_tgid() >> 32 != shared_tgid || (id != 110 && id != 173))
		return;
	count = bpf_map_lookup_elem(&shared_counts, &key);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&shared_counts, &key, &one, BPF_ANY);
}
