// SPDX-License-Identifier: GPL-2.0
/*
 * Makes records and map entries on demand, so that reading them can be timed by itself:
 * each getppid() of the process `target_tgid` makes BATCH of them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BATCH 100

struct record {
	__u64 time;
	__u32 pid;
	__u32 sequence;
	__u32 bytes_in;
	__u32 bytes_out;
	__u8 payload[104];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct record);
} entries SEC(".maps");

struct totals {
	__u64 made;
	__u64 lost;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct totals);
} totals SEC(".maps");

const volatile __u32 target_tgid = 0;

static __always_inline struct totals *start(struct bpf_raw_tracepoint_args *ctx)
{
	long id = ctx->args[1];
	__u32 zero = 0;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || (id != 110 && id != 173)) /* x86-64, arm64 */
		return 0;
	return bpf_map_lookup_elem(&totals, &zero);
}

SEC("raw_tp/sys_enter")
int make_records(struct bpf_raw_tracepoint_args *ctx)
{
	struct totals *total = start(ctx);
	int at;

	if (!total)
		return 0;
	for (at = 0; at < BATCH; at++) {
		struct record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

		if (!record) {
			total->lost += 1;
			continue;
		}
		record->time = total->made;
		record->pid = target_tgid;
		record->sequence = total->made;
		record->bytes_in = at;
		record->bytes_out = 7;
		total->made += 1;
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int make_entries(struct bpf_raw_tracepoint_args *ctx)
{
	struct totals *total = start(ctx);
	struct record record = {};
	__u64 key;
	int at;

	if (!total)
		return 0;
	for (at = 0; at < BATCH; at++) {
		key = total->made;
		record.time = key;
		record.pid = target_tgid;
		record.sequence = key;
		record.bytes_in = at;
		record.bytes_out = 7;
		if (bpf_map_update_elem(&entries, &key, &record, BPF_ANY))
			total->lost += 1;
		else
			total->made += 1;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
