/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the kernel and user space tell each other of traced connections. src is always the local end, dst the peer; IPv4
 * addresses are v4-mapped; addresses in network byte order, ports in host byte order; times in ns of bpf_ktime_get_ns().
 */
#pragma once

#include "skep/task.bpf.h"

enum trace_event_kind {
	/* struct trace_open: a connection, before anything else that is told of it. */
	TRACE_OPEN = 1,
	/* struct trace_chunk: bytes that passed. */
	TRACE_CHUNK = 2,
	/* struct trace_mark: who moved bytes between a process and a connection. */
	TRACE_MARK = 3,
	/* struct trace_event: the connection is no more. */
	TRACE_CLOSE = 4,
};

enum trace_flag {
	/* Written by the local end. Otherwise read. */
	TRACE_WRITTEN = 1,
	/* Of TRACE_OPEN: something has passed before that was not seen. */
	TRACE_MIDWAY = 2,
	/* Of a mark: somebody else may have moved some of these bytes. */
	TRACE_UNSURE = 4,
};

/* Head of every record. */
struct trace_event {
	/* The connection's id: random, below 2^52. */
	__u64 conn;
	__u64 time_ns;
	__u16 kind;
	__u16 flags;
	__u32 netns;
};

struct trace_open {
	struct trace_event event;
	/* Sequence numbers of the next bytes. */
	__u32 read_seq;
	__u32 written_seq;
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	__u32 _pad;
};

#define TRACE_CHUNK_SMALL 448
#define TRACE_CHUNK_LARGE 4032

/* The record is this struct followed by 0, TRACE_CHUNK_SMALL or TRACE_CHUNK_LARGE bytes, of which `captured` are set. */
struct trace_chunk {
	struct trace_event event;
	/* Sequence number of the first byte. The same bytes may come twice and out of order, as TCP brings them. */
	__u32 seq;
	/* Bytes this chunk stands for; the first `captured` of them are here. */
	__u32 length;
	__u32 captured;
	__u32 _pad;
};

/*
 * A thread has moved bytes. Left out when the same thread, which runs no goroutine, moved the bytes before in the same
 * direction, and nobody has moved any in the other one since: whoever moved a byte is told by the last mark that begins at it or before it.
 */
struct trace_mark {
	struct trace_event event;
	/* Sequence number of the first byte that was moved. */
	__u32 from;
	/* In each direction, of the first byte that no process has moved by now: every byte before it has its mark. */
	__u32 read_to;
	__u32 written_to;
	__u32 tgid;
	__u32 tid;
	__u32 _pad;
	/* Goroutine on whose behalf; 0: none. */
	__u64 goroutine;
	/* Of the thread. */
	char comm[COMM_LEN];
};

enum trace_order_kind {
	/* Nothing of it is wanted. */
	TRACE_IGNORE = 1,
	/* Of what is read before `read_seq` and written before `written_seq` only the length is wanted, of the rest all. */
	TRACE_SKIP = 2,
	/* It is known what it is: as many bytes as can be are wanted. */
	TRACE_TELL = 3,
	/* No bytes are wanted, but who moves them. */
	TRACE_MARKS = 4,
};

/* User space -> kernel, in map trace_orders, by connection id. The latest order holds. */
struct trace_order {
	__u32 kind;
	__u32 read_seq;
	__u32 written_seq;
};
