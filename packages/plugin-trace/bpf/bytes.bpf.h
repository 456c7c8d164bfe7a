/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The bytes of connections, from packets. */
#pragma once

#include "connections.bpf.h"
#include "skep/packet.bpf.h"

/*
 * Of one turn, which is what one side says until the other says something: beyond that only lengths are told, so that no
 * transfer fills the ring before user space has said what it wants. More of a connection of which it knows what it is.
 */
#define TRACE_TURN (64 * 1024)
#define TRACE_TURN_KNOWN (1024 * 1024)

/* Of one segment: 64 KiB, and what an IPv6 jumbogram has beyond that is told as length only. */
#define TRACE_PIECES 17

struct trace_segment {
	struct __sk_buff *skb;
	/* Written by the local end. */
	bool written;
	/* Where its bytes are, and their numbers: see struct skep_tcp_payload. */
	__u32 at;
	__u32 length;
	__u32 seq;
	__u32 ack;
};

/* False when the packet is not TCP or carries nothing. */
static __always_inline bool read_packet(struct __sk_buff *skb, bool written, struct trace_segment *segment)
{
	struct skep_tcp_payload payload;

	if (!skep_tcp_payload_of(skb, &payload))
		return false;
	segment->skb = skb;
	segment->written = written;
	segment->at = payload.at;
	segment->length = payload.length;
	segment->seq = payload.seq;
	segment->ack = payload.ack;
	return true;
}

/*
 * The programs are attached to the cgroups of the scope, so with no other kind of scope the attachment has decided. A packet
 * knows no process: connections of a scope by pid are noted when a process in it first moves bytes (marks.bpf.h).
 */
static __always_inline bool packet_in_scope(struct __sk_buff *skb, __u32 netns)
{
	if (!skep_scope_mask || skep_scope_mask == SKEP_SCOPE_CGROUPS)
		return true;
	return skep_netns_in_scope(netns) || ((skep_scope_mask & SKEP_SCOPE_CGROUPS) && skep_packet_cgroup_in_scope(skb));
}

/* The first segment of a connection that is seen. */
static __always_inline struct trace_conn *meet(const struct trace_segment *segment, struct tcp_sock *tp)
{
	struct sock *sk = (struct sock *)tp;
	struct trace_open open = {};
	__u8 state = sk->__sk_common.skc_state;

	/* Of what reaches a listener the connection has no socket yet: too rare to be kept for it. */
	if (state == TCP_LISTEN || state == TCP_SYN_RECV || !packet_in_scope(segment->skb, netns_of(sk, true)))
		return NULL;
	/* Of a segment that is written the socket knows already. */
	if (tp->bytes_received || (!segment->written && tp->data_segs_out))
		open.event.flags = TRACE_MIDWAY;
	open.read_seq = segment->written ? segment->ack : segment->seq;
	open.written_seq = segment->written ? segment->seq : segment->ack;
	/* A first packet that came behind a later one leaves a hole to be filled. */
	if (!segment->written && !open.event.flags)
		open.read_seq = tp->rcv_nxt;
	return open_conn(sk, &open, tp->copied_seq, segment->written ? segment->seq : tp->write_seq, true);
}

/*
 * The same number, of which the verifier knows nothing: it has been through memory. What it learnt of a segment's length in
 * one branch or another would else make it follow all that comes after again for each.
 */
static __always_inline __u32 forget(struct trace_conn *conn, bool written, __u32 number)
{
	volatile __u32 *memory = written ? &conn->forgotten[1] : &conn->forgotten[0];

	*memory = number;
	return *memory;
}

static __always_inline void fill_chunk(struct trace_chunk *chunk, const struct trace_conn *conn,
				       const struct trace_segment *segment, __u32 at, __u32 length, __u32 captured, __u64 now_ns)
{
	chunk->event = (struct trace_event){ .conn = conn->id, .time_ns = now_ns, .kind = TRACE_CHUNK, .netns = conn->netns };
	chunk->event.flags = segment->written ? TRACE_WRITTEN : 0;
	chunk->seq = segment->seq + at;
	chunk->length = length;
	chunk->captured = captured;
	chunk->_pad = 0;
}

/* Only how many bytes there are. */
static __always_inline void tell_length(const struct trace_conn *conn, const struct trace_segment *segment, __u32 at, __u64 now_ns)
{
	struct trace_chunk *chunk = bpf_ringbuf_reserve(&trace_events, sizeof(*chunk), 0);

	if (!chunk) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	fill_chunk(chunk, conn, segment, at, segment->length - at, 0, now_ns);
	bpf_ringbuf_submit(chunk, 0);
}

static __always_inline void tell_piece(const struct trace_conn *conn, const struct trace_segment *segment, __u32 at, __u32 captured,
				       __u64 now_ns, const __u32 room)
{
	struct trace_chunk *chunk = bpf_ringbuf_reserve(&trace_events, sizeof(*chunk) + room, 0);
	__u32 last = captured - 1;

	if (!chunk) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	fill_chunk(chunk, conn, segment, at, captured, captured, now_ns);
	/* 1 to @room bytes, said so that verifiers before 6.8 or so see it. */
	asm volatile("" : "+r"(last));
	if (last >= room || bpf_skb_load_bytes(segment->skb, segment->at + at, chunk + 1, last + 1)) {
		bpf_ringbuf_discard(chunk, 0);
		skep_count(SKEP_UNREADABLE);
		return;
	}
	bpf_ringbuf_submit(chunk, 0);
}

static __always_inline void tell_bytes(struct trace_conn *conn, const struct trace_segment *segment, __u64 now_ns)
{
	__u32 length = forget(conn, segment->written, segment->length), at = 0;

#pragma clang loop unroll(disable)
	for (int piece = 0; piece < TRACE_PIECES && at < length; piece++) {
		__u32 left = length - at;

		if (left <= TRACE_CHUNK_SMALL) {
			tell_piece(conn, segment, at, left, now_ns, TRACE_CHUNK_SMALL);
			return;
		}
		tell_piece(conn, segment, at, left > TRACE_CHUNK_LARGE ? TRACE_CHUNK_LARGE : left, now_ns, TRACE_CHUNK_LARGE);
		/* A constant: sums of lengths would multiply the verifier's cases. */
		at += TRACE_CHUNK_LARGE;
	}
	if (at < length)
		tell_length(conn, segment, at, now_ns);
}

/* Whether user space wants the lengths only of what lies before the numbers of its order. */
static __always_inline bool is_skipped(const struct trace_order *order, const struct trace_segment *segment)
{
	__u32 until = segment->written ? order->written_seq : order->read_seq;

	return order->kind == TRACE_SKIP && (__s32)(until - segment->seq - segment->length) >= 0;
}

static __always_inline void on_packet(struct __sk_buff *skb, bool written)
{
	struct trace_segment segment = {};
	struct trace_order *order;
	struct bpf_sock *packet_sk;
	struct trace_conn *conn;
	struct tcp_sock *tp;
	__u64 now_ns, id;
	__u32 copied;

	if (!read_packet(skb, written, &segment))
		return;
	packet_sk = skb->sk;
	tp = packet_sk ? bpf_skc_to_tcp_sock(packet_sk) : NULL;
	if (!tp)
		return;
	conn = find_conn((struct sock *)tp, true);
	if (!conn)
		conn = meet(&segment, tp);
	if (!conn || conn->is_ignored || conn->is_opaque)
		return;
	id = conn->id;
	order = bpf_map_lookup_elem(&trace_orders, &id);
	if (order && (order->kind == TRACE_IGNORE || order->kind == TRACE_MARKS)) {
		conn->is_ignored = order->kind == TRACE_IGNORE;
		conn->is_opaque = true;
		bpf_map_delete_elem(&trace_orders, &id);
		return;
	}
	/* A socket has looked at the clock just before it sends; what it saw costs nothing. */
	now_ns = written ? tp->tcp_clock_cache : bpf_ktime_get_ns();
	conn->copied[!written] = 0;
	copied = conn->copied[written];
	if ((order && is_skipped(order, &segment)) || copied >= (order ? TRACE_TURN_KNOWN : TRACE_TURN)) {
		tell_length(conn, &segment, 0, now_ns);
		return;
	}
	conn->copied[written] = copied + segment.length;
	tell_bytes(conn, &segment, now_ns);
}
