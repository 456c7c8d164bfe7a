// SPDX-License-Identifier: GPL-2.0
/* Counts calls of, and sums what goes into or comes out of, a function of some program. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct tally {
	__u64 calls;
	__u64 sum;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct tally);
} user_tallies SEC(".maps");

static __always_inline void tally(__u64 number)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct tally *known = bpf_map_lookup_elem(&user_tallies, &pid);
	struct tally first = { .calls = 1, .sum = number };

	if (!known) {
		bpf_map_update_elem(&user_tallies, &pid, &first, BPF_ANY);
		return;
	}
	known->calls += 1;
	known->sum += number;
}

SEC("uprobe")
int BPF_KPROBE(on_call, int n)
{
	tally(n);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(on_return, int n)
{
	tally(n);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
