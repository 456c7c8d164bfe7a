// SPDX-License-Identifier: GPL-2.0
/* One map of each kind that is scanned, and two iterators over the hash and the tasks. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	__u64 a;
	__u64 b;
};

#define MAP(name, kind, entries)			\
	struct {					\
		__uint(type, kind);			\
		__uint(max_entries, entries);		\
		__type(key, __u32);			\
		__type(value, struct value);		\
	} name SEC(".maps")

MAP(t_hash, BPF_MAP_TYPE_HASH, 200000);
MAP(t_lru, BPF_MAP_TYPE_LRU_HASH, 4096);
MAP(t_percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, 1000);
MAP(t_percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, 300);
MAP(t_array, BPF_MAP_TYPE_ARRAY, 300);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 5);
	__uint(value_size, 3);
} t_odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__uint(value_size, 8);
} t_trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} t_ring SEC(".maps");

struct bpf_iter_meta {
	void *seq;
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *map;
	__u32 *key;
	struct value *value;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct element {
	__u32 key;
	__u32 pad;
	struct value value;
};

SEC("iter/bpf_map_elem")
int walk_hash(struct bpf_iter__bpf_map_elem *ctx)
{
	struct element element = {};
	/* Read once: the verifier forgets that a pointer was tested when it is read again. */
	struct value *value = ctx->value;
	__u32 *key = ctx->key;

	if (!key || !value)
		return 0;
	element.key = *key;
	element.value = *value;
	bpf_seq_write(ctx->meta->seq, &element, sizeof(element));
	return 0;
}

SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 ids[2];

	if (!task)
		return 0;
	ids[0] = task->tgid;
	ids[1] = task->pid;
	bpf_seq_write(ctx->meta->seq, ids, sizeof(ids));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
