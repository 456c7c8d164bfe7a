/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a packet of cgroup_skb was before address translation. Such a program sees what leaves behind the rules of this
 * host, whose addresses are not those the process wrote; what arrives has been translated back.
 */
#pragma once

#define NFCT_INFO_MASK 7UL
/* enum ip_conntrack_info: from here on the packet goes in the reply's direction. */
#define IP_CT_IS_REPLY 3
#define IP_CT_UNTRACKED 7

static __always_inline void read_tuple_end(__u8 *address, union nf_inet_addr *from, __u16 family)
{
	__u32 *words = (__u32 *)address;

	if (family == AF_INET) {
		map_v4(address, from->all[0]);
		return;
	}
#pragma unroll
	for (int word = 0; word < 4; word++)
		words[word] = from->all[word];
}

/*
 * Puts back the addresses and ports (host order) a process used for a UDP packet it sends. What connection tracking does
 * not know stays as it is. Follows BTF pointers: needs bpf_rdonly_cast, works under lockdown.
 */
static __always_inline void undo_translation(struct __sk_buff *skb, struct udp_flow_key *flow)
{
	struct nf_conntrack_tuple *tuple;
	struct sk_buff *packet;
	unsigned long tracked;
	__u64 entry;

	if (!bpf_ksym_exists(bpf_cast_to_kern_ctx) || !bpf_core_type_exists(struct nf_conn))
		return;
	packet = bpf_cast_to_kern_ctx(skb);
	if (!bpf_core_field_exists(packet->_nfct))
		return;
	tracked = packet->_nfct;
	entry = tracked & ~NFCT_INFO_MASK;
	if (!entry || (tracked & NFCT_INFO_MASK) == IP_CT_UNTRACKED)
		return;
	/* The entry itself cannot be cast to: its name is that of two types (nf_conn___init). */
	if ((tracked & NFCT_INFO_MASK) < IP_CT_IS_REPLY)
		entry += bpf_core_field_offset(struct nf_conn, tuplehash[0].tuple);
	else
		entry += bpf_core_field_offset(struct nf_conn, tuplehash[1].tuple);
	tuple = bpf_rdonly_cast((void *)entry, bpf_core_type_id_kernel(struct nf_conntrack_tuple));
	if (tuple->dst.protonum != IPPROTO_UDP)
		return;
	read_tuple_end(flow->src_addr, &tuple->src.u3, tuple->src.l3num);
	read_tuple_end(flow->dst_addr, &tuple->dst.u3, tuple->src.l3num);
	flow->src_port = bpf_ntohs(tuple->src.u.all);
	flow->dst_port = bpf_ntohs(tuple->dst.u.all);
}
