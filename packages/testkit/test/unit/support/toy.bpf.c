// SPDX-License-Identifier: GPL-2.0
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct beat {
	__u32 count;
	__u32 pid;
	char comm[8];
	__u8 address[4];
	__s16 offset;
	__u8 flags;
	__u8 pad;
	__u64 total;
	__u16 ports[2];
	__u32 pad2;
};

struct beat unused_beat SEC(".bss");
const volatile __u32 step = 1;
/* Set by core for every plugin; this one sees only processes of its own tests anyway. */
const volatile __u32 skep_scope_mask = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} beats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__type(key, __u32);
	__type(value, struct beat);
	__uint(max_entries, 77);
} hearts SEC(".maps");

SEC("tp_btf/sched_process_exit")
int on_beat(void *ctx)
{
	const char name[] = "skep-toy";
	struct beat *beat;
	char comm[16];

	/* Exits are seen for the whole host: only the test's own processes get any further. */
	bpf_get_current_comm(comm, sizeof(comm));
	for (int i = 0; i < 8; i++)
		if (comm[i] != name[i])
			return 0;
	beat = bpf_ringbuf_reserve(&beats, sizeof(*beat), 0);
	if (!beat)
		return 0;
	__builtin_memset(beat, 0, sizeof(*beat));
	__builtin_memcpy(beat->comm, comm, sizeof(beat->comm));
	beat->count = step;
	beat->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(beat, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
