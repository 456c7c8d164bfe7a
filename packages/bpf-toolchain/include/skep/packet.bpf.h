/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The packet of a cgroup_skb program, which begins with its IP header. Needs vmlinux.h, bpf_endian.h and skep/scope.bpf.h. */
#pragma once

/* What a TCP segment carries. */
struct skep_tcp_payload {
	/* Offset of its first byte in the packet. */
	__u32 at;
	__u32 length;
	/* Number of the first byte in its direction, and of the next byte the sender expects from the other one. */
	__u32 seq;
	__u32 ack;
};

/* False when the packet is not TCP or carries nothing. */
static __always_inline bool skep_tcp_payload_of(struct __sk_buff *skb, struct skep_tcp_payload *payload)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tcp_header *tcp;
	__u32 headers;

	/* Headers are in the packet's linear part, also where its payload is not. */
	if (skb->protocol == bpf_htons(0x0800)) {
		struct ipv4_header *ip = data;

		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP)
			return false;
		headers = ip->ihl * 4;
	} else {
		struct ipv6_header *ip = data;

		if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_TCP)
			return false;
		headers = sizeof(*ip);
	}
	tcp = data + headers;
	if ((void *)(tcp + 1) > end)
		return false;
	headers += tcp->doff * 4;
	if (skb->len <= headers)
		return false;
	payload->at = headers;
	payload->length = skb->len - headers;
	payload->seq = bpf_ntohl(tcp->seq) + !!(tcp->flags & TCP_FLAG_SYN);
	payload->ack = bpf_ntohl(tcp->ack_seq);
	return true;
}

/* Whether the cgroup of the packet's socket, or one above it, is in scope. */
static __always_inline bool skep_packet_cgroup_in_scope(struct __sk_buff *skb)
{
#pragma clang loop unroll(disable)
	for (int level = 0; level < SKEP_CGROUP_DEPTH; level++) {
		__u64 id = bpf_skb_ancestor_cgroup_id(skb, level);
		__u8 *known;

		if (!id)
			return false;
		known = bpf_map_lookup_elem(&scope_cgroups, &id);
		if (known && *known == SKEP_IN_SCOPE)
			return true;
	}
	return false;
}
