/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the DNS programs hand to user space. src is always the local end, dst the peer; IPv4 addresses are v4-mapped;
 * addresses in network byte order, ports in host byte order.
 */
#pragma once

#include "skep/task.bpf.h"

#define DNS_PORT 53

enum dns_flag {
	/* Egress: the local end said it. */
	DNS_SENT = 1,
};

/* Bytes a record has room for: what UDP carried before EDNS, and what EDNS usually allows. */
/* Most queries, and answers with one or two addresses. */
#define DNS_BRIEF 128
#define DNS_SHORT 512
#define DNS_LONG 4096

/*
 * A datagram, or a piece of a TCP segment. The record is this struct followed by DNS_BRIEF, DNS_SHORT or DNS_LONG bytes, of which
 * `captured` are set.
 */
struct dns_event {
	/* bpf_ktime_get_ns() */
	__u64 time_ns;
	/* Cookie of the socket: never used again. */
	__u64 socket;
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	__u32 netns;
	/* Process that uses the socket; 0 when it is not known yet. */
	__u32 tgid;
	/* TCP: sequence number of the first byte. The same bytes may come twice and out of order. */
	__u32 seq;
	/* Bytes this record stands for. More than `captured` when the datagram is longer than DNS_LONG. */
	__u16 length;
	__u16 captured;
	/* IPPROTO_UDP or IPPROTO_TCP */
	__u8 transport;
	__u8 flags;
	__u16 _pad;
	char comm[COMM_LEN];
};
