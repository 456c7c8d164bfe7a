// SPDX-License-Identifier: GPL-2.0
/* Each program could change the system in its own way. None of them is ever attached where anybody is. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("raw_tp/sys_enter")
int kills(void *ctx)
{
	bpf_send_signal(9);
	return 0;
}

SEC("cgroup_skb/egress")
int drops(struct __sk_buff *skb)
{
	return skb->len < 1000;
}

SEC("cgroup_skb/egress")
int marks(struct __sk_buff *skb)
{
	skb->mark = 7;
	return 1;
}

SEC("cgroup/connect4")
int redirects(struct bpf_sock_addr *ctx)
{
	ctx->user_port = 0;
	return 1;
}

SEC("sockops")
int tunes(struct bpf_sock_ops *ctx)
{
	int value = 1;

	bpf_setsockopt(ctx, 6, 1, &value, sizeof(value));
	return 1;
}

SEC("xdp")
int steers(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* Lets everything pass, on a way that has loops and branches. */
SEC("cgroup_skb/ingress")
int looks(struct __sk_buff *skb)
{
	__u32 at, sum = 0;

	for (at = 0; at < 8; at++)
		if (skb->len > at * 100)
			sum += skb->protocol;
	if (sum == 42)
		bpf_printk("%d", sum);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
