/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a packet of cgroup_skb was before address translation. Such a program sees what leaves behind the rules of this
 * host, whose addresses are not those the process wrote; what arrives has been translated back.
 */
#pragma once

#include "socket.bpf.h"

#define NFCT_INFO_MASK 7UL
/* enum ip_conntrack_info: from here on the packet goes in the reply's direction. */
#define IP_CT_IS_REPLY 3
#define IP_CT_UNTRACKED 7

/* The addresses (IPv4 as v4-mapped) and ports (host order) of a packet as its process knows them: ours, then the peer's. */
struct ends {
	__u8 *src_addr;
	__u8 *dst_addr;
	__u16 *src_port;
	__u16 *dst_port;
};

static __always_inline void read_tuple_end(__u8 *address, struct nf_conntrack_tuple *tuple, union nf_inet_addr *from,
					   const bool direct)
{
	__u32 *words = (__u32 *)address;

	if (SK(direct, tuple, src.l3num) == AF_INET) {
		map_v4(address, SK(direct, from, all[0]));
		return;
	}
#pragma unroll
	for (int word = 0; word < 4; word++)
		words[word] = SK(direct, from, all[word]);
}

/* The word in which a packet refers to its entry of connection tracking. @direct: see kernel_socket(). */
static __always_inline unsigned long tracked_by(struct __sk_buff *skb, const bool direct)
{
	struct sk_buff *packet = NULL;

	if (direct) {
		if (!bpf_ksym_exists(bpf_cast_to_kern_ctx))
			return 0;
		packet = bpf_cast_to_kern_ctx(skb);
		return bpf_core_field_exists(packet->_nfct) ? packet->_nfct : 0;
	}
	bpf_probe_read_kernel(&packet, sizeof(packet), &skb);
	return bpf_core_field_exists(packet->_nfct) ? BPF_CORE_READ(packet, _nfct) : 0;
}

/*
 * Puts back what a process used for a UDP packet it sends. What connection tracking does not know stays as it is.
 */
static __always_inline void undo_translation(struct __sk_buff *skb, const struct ends *ends, const bool direct)
{
	struct nf_conntrack_tuple *tuple;
	unsigned long tracked;
	__u64 entry;

	if (!bpf_core_type_exists(struct nf_conn))
		return;
	tracked = tracked_by(skb, direct);
	entry = tracked & ~NFCT_INFO_MASK;
	if (!entry || (tracked & NFCT_INFO_MASK) == IP_CT_UNTRACKED)
		return;
	/* The entry itself cannot be cast to: its name is that of two types (nf_conn___init). */
	if ((tracked & NFCT_INFO_MASK) < IP_CT_IS_REPLY)
		entry += bpf_core_field_offset(struct nf_conn, tuplehash[0].tuple);
	else
		entry += bpf_core_field_offset(struct nf_conn, tuplehash[1].tuple);
	tuple = (struct nf_conntrack_tuple *)entry;
	if (direct)
		tuple = bpf_rdonly_cast(tuple, bpf_core_type_id_kernel(struct nf_conntrack_tuple));
	if (SK(direct, tuple, dst.protonum) != IPPROTO_UDP)
		return;
	read_tuple_end(ends->src_addr, tuple, &tuple->src.u3, direct);
	read_tuple_end(ends->dst_addr, tuple, &tuple->dst.u3, direct);
	*ends->src_port = bpf_ntohs(SK(direct, tuple, src.u.all));
	*ends->dst_port = bpf_ntohs(SK(direct, tuple, dst.u.all));
}
