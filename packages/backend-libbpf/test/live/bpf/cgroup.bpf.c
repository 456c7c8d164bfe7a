// SPDX-License-Identifier: GPL-2.0
/* Counts what passes each cgroup hook, and lets everything pass. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum hook { EGRESS, INGRESS, CONNECT4, SENDMSG4, SOCK_CREATE, SOCK_RELEASE, SOCKOPS_CONNECT, HOOKS };

struct total {
	__u64 count;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOOKS);
	__type(key, __u32);
	__type(value, struct total);
} hook_totals SEC(".maps");

static __always_inline void count(__u32 hook, __u64 bytes)
{
	struct total *total = bpf_map_lookup_elem(&hook_totals, &hook);

	if (!total)
		return;
	__sync_fetch_and_add(&total->count, 1);
	/* clang turns an addition of nothing into an atomic OR, which 5.10 does not know. */
	if (bytes)
		__sync_fetch_and_add(&total->bytes, bytes);
}

SEC("cgroup_skb/egress")
int count_egress(struct __sk_buff *skb)
{
	count(EGRESS, skb->len);
	return 1;
}

SEC("cgroup_skb/ingress")
int count_ingress(struct __sk_buff *skb)
{
	count(INGRESS, skb->len);
	return 1;
}

SEC("cgroup/connect4")
int count_connect4(struct bpf_sock_addr *ctx)
{
	count(CONNECT4, 0);
	return 1;
}

SEC("cgroup/sendmsg4")
int count_sendmsg4(struct bpf_sock_addr *ctx)
{
	count(SENDMSG4, 0);
	return 1;
}

SEC("cgroup/sock_create")
int count_sock_create(struct bpf_sock *ctx)
{
	count(SOCK_CREATE, 0);
	return 1;
}

SEC("cgroup/sock_release")
int count_sock_release(struct bpf_sock *ctx)
{
	count(SOCK_RELEASE, 0);
	return 1;
}

SEC("sockops")
int count_sockops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		count(SOCKOPS_CONNECT, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
