/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Requests that arrive before their connection is there: with the last packet of the handshake (TCP_DEFER_ACCEPT, or the
 * packet before it was lost) they reach the listener, and in the moment of its making a connection not yet in `conns`.
 * They wait here for the connection's next packet.
 */
#pragma once

#include "http_conn.bpf.h"

struct http_early_key {
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	__u32 netns;
};

struct http_early {
	struct http_message message;
	__u64 now_ns;
	__u32 seq;
	__u32 ack;
	__u32 length;
	char line[HTTP_LINE_LONG + HTTP_LOOK_AHEAD];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct http_early_key);
	__type(value, struct http_early);
} http_early SEC(".maps");
