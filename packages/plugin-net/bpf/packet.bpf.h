/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The packet of a cgroup_skb program. */
#pragma once

#include "skep/packet.bpf.h"

/*
 * Reads the addresses, from our side: @here is the local end. Returns where the transport header begins, 0 when there is
 * none of @protocol where it should be.
 */
static __always_inline __u32 read_ip_header(struct __sk_buff *skb, bool sending, __u8 protocol, __u8 *here, __u8 *there)
{
	if (skb->protocol == bpf_htons(0x0800)) {
		struct ipv4_header ip = {};

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.protocol != protocol)
			return 0;
		map_v4(sending ? here : there, ip.saddr);
		map_v4(sending ? there : here, ip.daddr);
		return ip.ihl * 4;
	} else {
		struct ipv6_header ip = {};

		/* Behind extension headers the transport header is elsewhere. */
		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.nexthdr != protocol)
			return 0;
		__builtin_memcpy(sending ? here : there, ip.saddr, 16);
		__builtin_memcpy(sending ? there : here, ip.daddr, 16);
		return sizeof(ip);
	}
}

/*
 * The packet of a socket of process @tgid (0: not known). Programs are attached to the cgroups of the scope, so with no
 * other kind of scope the attachment has decided; with another they are attached wider and ask.
 */
static __always_inline bool packet_in_scope(struct __sk_buff *skb, __u32 tgid, __u32 netns)
{
	if (!skep_scope_mask || skep_scope_mask == SKEP_SCOPE_CGROUPS)
		return true;
	return skep_netns_in_scope(netns) || skep_pid_in_scope(tgid) ||
	       ((skep_scope_mask & SKEP_SCOPE_CGROUPS) && skep_packet_cgroup_in_scope(skb));
}
