/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What netflow hands to user space. src is always the local end, dst the peer; IPv4 addresses are v4-mapped;
 * addresses in network byte order, ports in host byte order.
 */
#pragma once

#include "skep/task.bpf.h"

enum flow_direction {
	DIRECTION_UNKNOWN = 0,
	DIRECTION_INCOMING = 1,
	DIRECTION_OUTGOING = 2,
};

enum conn_flag {
	/* Reached ESTABLISHED while we watched. */
	CONN_ESTABLISHED = 1,
	/* Was there before us: counters start when we first saw it. */
	CONN_OLDER = 2,
	/* Over for its applications (no process holds it) or for TCP, but not yet for both. */
	CONN_ORPHAN = 4,
	/* Is no more; the record is its last. */
	CONN_CLOSED = 8,
	/* Nobody has accepted it yet, or who did is not known: tgid and comm are those of the listener. */
	CONN_OWNER_ASSUMED = 16,
};

/* A TCP connection's counters since we know it: cumulative, never deltas. */
struct conn_record {
	/* Unique for the life of the agent; not a kernel pointer. */
	__u64 id;
	/* What the application read and wrote, FIN and SYN not counted. */
	__u64 bytes_read;
	__u64 bytes_written;
	__u32 retransmits;
	/* Smoothed round trip time, microseconds. */
	__u32 rtt_us;
	/* Mean deviation, microseconds. */
	__u32 rtt_var_us;
	__u32 tgid;
	__u32 netns;
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	__u8 direction;
	__u8 flags;
	/* enum tcp_state */
	__u8 state;
	__u8 _pad;
	char comm[COMM_LEN];
	__u32 _pad2;
};

/* A listening socket found at start: gives the direction of connections older than we are. Port 0: only progress. */
struct listener_record {
	__u32 netns;
	__u16 port;
	__u16 _pad;
};

/* Datagrams between a socket or process and a peer. */
struct udp_flow_key {
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	/* Keeps owners apart: the process where each datagram shows it, else the socket. */
	__u32 owner;
	__u32 netns;
	__u32 _pad;
};

struct udp_flow {
	__u64 bytes_read;
	__u64 bytes_written;
	__u32 direction;
	__u32 tgid;
	char comm[COMM_LEN];
};
