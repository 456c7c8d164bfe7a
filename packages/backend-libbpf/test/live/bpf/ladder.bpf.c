// SPDX-License-Identifier: GPL-2.0
/* One question, "who calls getppid?", on several rungs: the first two need what a locked-down kernel refuses. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct ladder_event {
	__u64 time;
	__u32 pid;
	__u32 sequence;
	__u8 payload[112];
};

struct ladder_count {
	__u64 calls;
	__u32 last;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ladder_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ladder_lost SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct ladder_count);
} ladder_counts SEC(".maps");

const volatile __u32 target_tgid = 0;
const volatile __u8 enabled = 0;
const volatile __s64 signed_value = 0;
const volatile __u64 stamp = 0;

/* Keeps the types in BTF. */
const struct ladder_event *unused_event __attribute__((unused));

static __always_inline void record(void)
{
	struct ladder_event *event;
	struct ladder_count *count, zero = {};
	__u32 key = 0;
	__u64 *missed;

	if (!enabled || bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return;
	key = target_tgid;
	count = bpf_map_lookup_elem(&ladder_counts, &key);
	if (!count) {
		bpf_map_update_elem(&ladder_counts, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&ladder_counts, &key);
		if (!count)
			return;
	}
	__sync_fetch_and_add(&count->calls, 1);
	event = bpf_ringbuf_reserve(&ladder_events, sizeof(*event), 0);
	if (!event) {
		key = 0;
		missed = bpf_map_lookup_elem(&ladder_lost, &key);
		if (missed)
			*missed += 1;
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = stamp;
	event->pid = target_tgid;
	event->sequence = count->calls;
	if (event->sequence % 4 == 3)
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
}

/* `process.ppid` of Node is one such call. */
static __always_inline int is_getppid(long id)
{
	return id == 110 || id == 173; /* x86-64, arm64 */
}

SEC("fentry/ksys_write")
int BPF_PROG(by_fentry)
{
	record();
	return 0;
}

SEC("kprobe/ksys_write")
int by_kprobe(void *ctx)
{
	record();
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(by_tp_btf, void *regs, long id)
{
	if (is_getppid(id))
		record();
	return 0;
}

SEC("raw_tp/sys_enter")
int by_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	long id = ctx->args[1];

	if (is_getppid(id))
		record();
	return 0;
}

/* Dereferences an argument that is no pointer to the verifier. */
SEC("raw_tp/sys_enter")
int refused_by_verifier(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile int *)ctx->args[0];
}

SEC("uprobe")
int by_uprobe(void *ctx)
{
	record();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
