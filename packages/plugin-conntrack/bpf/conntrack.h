/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#pragma once

enum nat_kind {
	/* An entry that translates the destination came into being. */
	NAT_TRANSLATED = 1,
	/* One is no more. */
	NAT_ENDED = 2,
	/* A flow with the addresses of an earlier translated one goes where it says. */
	NAT_PLAIN = 3,
};

/*
 * A connection tracking entry in its original direction, and where its packets really go. Addresses are in network byte
 * order, IPv4 as ::ffff:a.b.c.d; ports in host byte order. Up to `transport` it says which entry it is.
 */
struct nat_record {
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	/* Inode number of the network namespace. */
	__u32 netns;
	__u16 zone;
	__u8 transport;
	__u8 kind;
	__u8 nat_addr[16];
	__u16 nat_port;
	__u16 unused;
};

/* Those that say which entry it is, `kind` being zero. */
#define NAT_TUPLE_WORDS 11
