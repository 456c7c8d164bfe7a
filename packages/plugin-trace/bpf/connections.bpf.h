/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The TCP connections of which anything has been seen. */
#pragma once

#include "trace.h"

struct trace_conn {
	__u64 id;
	/* Tells its socket from another that has taken its memory, should its end have been missed. */
	__u32 netns;
	__u16 src_port;
	__u16 dst_port;
	/* Bytes that were copied to user space since the other direction spoke last. */
	__u32 copied[2];
	/* The first byte that no process has moved: of what is read, of what is written. */
	__u32 moved[2];
	/* Who moved the last ones, and whether that was marked since the other direction was marked. */
	__u64 goroutine[2];
	__u32 tid[2];
	/* A length that has been through memory, see forget(). */
	__u32 forgotten[2];
	bool is_marked[2];
	/* Its process is not to be traced, or it speaks nothing we know. */
	bool is_ignored;
	/* Its bytes cannot be read, such as those of TLS: only who moves them is told. */
	bool is_opaque;
};

/* By address of the socket, which stays in the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct trace_conn);
} trace_conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} trace_events SEC(".maps");

/* What user space wants of a connection, by its id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct trace_order);
} trace_orders SEC(".maps");

/* By process: nothing of it is to be traced. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u8);
} trace_denied SEC(".maps");

/* A member of a socket. @direct: by its BTF pointer; otherwise by probe read. */
#define SOCKET(direct, sk, member) ((direct) ? (sk)->member : BPF_CORE_READ(sk, member))

static __always_inline void map_v4(__u8 *address, __be32 v4)
{
	__u32 *words = (__u32 *)address;

	words[2] = bpf_htonl(0xffff);
	words[3] = v4;
}

static __always_inline bool read_ends(struct sock *sk, struct trace_open *open, const bool direct)
{
	__u16 family = SOCKET(direct, sk, __sk_common.skc_family);

	if (family == AF_INET) {
		map_v4(open->src_addr, SOCKET(direct, sk, __sk_common.skc_rcv_saddr));
		map_v4(open->dst_addr, SOCKET(direct, sk, __sk_common.skc_daddr));
	} else if (family == AF_INET6) {
		__u32 *src = (__u32 *)open->src_addr, *dst = (__u32 *)open->dst_addr;

#pragma unroll
		for (int word = 0; word < 4; word++) {
			src[word] = SOCKET(direct, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[word]);
			dst[word] = SOCKET(direct, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[word]);
		}
	} else {
		return false;
	}
	return true;
}

static __always_inline __u32 netns_of(struct sock *sk, const bool direct)
{
	return direct ? sk->__sk_common.skc_net.net->ns.inum : BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* The connection of a socket; NULL when it is not known, or known as another that used the same memory. */
static __always_inline struct trace_conn *find_conn(struct sock *sk, const bool direct)
{
	__u64 key = (__u64)sk;
	struct trace_conn *conn = bpf_map_lookup_elem(&trace_conns, &key);

	if (!conn || conn->src_port != SOCKET(direct, sk, __sk_common.skc_num) ||
	    conn->dst_port != bpf_ntohs(SOCKET(direct, sk, __sk_common.skc_dport)))
		return NULL;
	return conn;
}

/* 52 random bits: exact in a JavaScript number, and no address of the kernel's. */
static __always_inline __u64 conn_id(void)
{
	return (__u64)(bpf_get_prandom_u32() & 0xfffff) << 32 | bpf_get_prandom_u32();
}

/*
 * Notes a connection and tells user space of it. @open: its sequence numbers are set. @read, @written: the first bytes that
 * no process has moved. NULL when it cannot be told: then nothing else is told of it either, and the next packet tries again.
 */
static __always_inline struct trace_conn *open_conn(struct sock *sk, struct trace_open *open, __u32 read, __u32 written,
						    const bool direct)
{
	struct trace_conn conn = { .id = conn_id() };
	__u64 key = (__u64)sk;

	conn.netns = open->event.netns = netns_of(sk, direct);
	conn.src_port = open->src_port = SOCKET(direct, sk, __sk_common.skc_num);
	conn.dst_port = open->dst_port = bpf_ntohs(SOCKET(direct, sk, __sk_common.skc_dport));
	if (!read_ends(sk, open, direct))
		return NULL;
	open->event.conn = conn.id;
	open->event.time_ns = bpf_ktime_get_ns();
	open->event.kind = TRACE_OPEN;
	conn.moved[0] = read;
	conn.moved[1] = written;
	if (skep_not_stored(bpf_map_update_elem(&trace_conns, &key, &conn, BPF_ANY))) {
		skep_count(SKEP_MAP_FULL);
		return NULL;
	}
	if (bpf_ringbuf_output(&trace_events, open, sizeof(*open), 0)) {
		skep_count(SKEP_RING_FULL);
		bpf_map_delete_elem(&trace_conns, &key);
		return NULL;
	}
	return bpf_map_lookup_elem(&trace_conns, &key);
}

static __always_inline void close_conn(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct trace_conn *conn = bpf_map_lookup_elem(&trace_conns, &key);
	struct trace_event event = { .kind = TRACE_CLOSE };

	if (!conn)
		return;
	event.conn = conn->id;
	event.netns = conn->netns;
	event.time_ns = bpf_ktime_get_ns();
	/* Of an ignored one user space keeps nothing. */
	if (!conn->is_ignored && bpf_ringbuf_output(&trace_events, &event, sizeof(event), 0))
		skep_count(SKEP_RING_FULL);
	bpf_map_delete_elem(&trace_orders, &event.conn);
	bpf_map_delete_elem(&trace_conns, &key);
}
