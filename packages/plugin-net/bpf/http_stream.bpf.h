/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Connections whose bytes user space gets, and its orders about them. */
#pragma once

#include "http_tell.bpf.h"

/* What user space wants of a connection that is streamed, by connection id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct http_order);
} http_orders SEC(".maps");

/* Of one segment: 64 KiB, and what an IPv6 jumbogram has beyond that is told as length only. */
#define HTTP_PIECES 17

static __always_inline void fill_chunk(struct http_chunk *chunk, const struct http_conn *http, const struct http_segment *segment,
				       __u32 at, __u32 length, __u32 captured)
{
	chunk->event.conn = http->conn;
	chunk->event.time_ns = segment->now_ns;
	chunk->event.kind = HTTP_CHUNK;
	chunk->event.flags = (http->flags & (HTTP_TLS | HTTP_INCOMING | HTTP_OWNER_ASSUMED)) |
			     (segment->written ? HTTP_WRITTEN : 0);
	chunk->event.number = 0;
	chunk->seq = segment->seq + at;
	chunk->length = length;
	chunk->captured = captured;
	chunk->tgid = http->tgid;
}

/* Only how many bytes there are. */
static __always_inline void tell_length(const struct http_conn *http, const struct http_segment *segment, __u32 at)
{
	struct http_chunk *chunk = bpf_ringbuf_reserve(&http_events, sizeof(*chunk), 0);

	if (!chunk) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	fill_chunk(chunk, http, segment, at, segment->length - at, 0);
	bpf_ringbuf_submit(chunk, 0);
}

static __always_inline void tell_piece(const struct http_conn *http, const struct http_segment *segment, __u32 at,
				       __u32 captured, const __u32 room)
{
	struct http_chunk *chunk = bpf_ringbuf_reserve(&http_events, sizeof(*chunk) + room, 0);

	if (!chunk) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	fill_chunk(chunk, http, segment, at, captured, captured);
	if (http_load_most(segment, at, chunk + 1, captured, room)) {
		bpf_ringbuf_discard(chunk, 0);
		skep_count(SKEP_UNREADABLE);
		return;
	}
	bpf_ringbuf_submit(chunk, 0);
}

static __always_inline void tell_bytes(struct http_conn *http, const struct http_segment *segment)
{
	__u32 length = forget(http, segment->written, segment->length), at = 0;

#pragma clang loop unroll(disable)
	for (int piece = 0; piece < HTTP_PIECES && at < length; piece++) {
		__u32 left = length - at;

		if (left <= HTTP_CHUNK_SMALL) {
			tell_piece(http, segment, at, left, HTTP_CHUNK_SMALL);
			return;
		}
		tell_piece(http, segment, at, left > HTTP_CHUNK_LARGE ? HTTP_CHUNK_LARGE : left, HTTP_CHUNK_LARGE);
		/* A constant: sums of lengths would multiply the verifier's cases. */
		at += HTTP_CHUNK_LARGE;
	}
	if (at < length)
		tell_length(http, segment, at);
}

/* Whether user space wants the lengths only of what lies before the numbers of its order. */
static __always_inline bool is_skipped(const struct http_order *order, const struct http_segment *segment)
{
	__u32 until = segment->written ? order->written_seq : order->read_seq;

	return order->kind == HTTP_SKIP && (__s32)(until - segment->seq - segment->length) >= 0;
}

static __always_inline bool is_between(const struct http_conn *http, const struct http_order *order)
{
	return order->kind == HTTP_RESUME && order->read_seq == http->next[0] && order->written_seq == http->next[1];
}

enum http_obeyed {
	HTTP_TELL_BYTES,
	HTTP_TELL_LENGTH,
	/* Not HTTP: user space has seen enough. */
	HTTP_IGNORED,
	/* It is ours again, this segment too. */
	HTTP_RESUMED,
};

/* What user space wants done with a segment of a connection that is streamed. */
static __always_inline enum http_obeyed http_obey(struct http_conn *http, struct bpf_spin_lock *lock,
						  const struct http_segment *segment)
{
	__u64 conn = http->conn;
	struct http_order *order = bpf_map_lookup_elem(&http_orders, &conn);

	if (!order)
		return HTTP_TELL_BYTES;
	if (order->kind == HTTP_IGNORE) {
		bpf_map_delete_elem(&http_orders, &conn);
		return HTTP_IGNORED;
	}
	if (is_between(http, order)) {
		http_lock(lock);
		http->was_chunked = false;
		http->is_proven = true;
		http->mode = HTTP_FOLLOWED;
		http_unlock(lock);
		bpf_map_delete_elem(&http_orders, &conn);
		return HTTP_RESUMED;
	}
	return is_skipped(order, segment) ? HTTP_TELL_LENGTH : HTTP_TELL_BYTES;
}

static __always_inline void http_stream(struct http_conn *http, const struct http_segment *segment, enum http_obeyed how)
{
	__u32 end = segment->seq + segment->length;

	if ((__s32)(end - http->next[segment->written]) > 0)
		http->next[segment->written] = end;
	if (how == HTTP_TELL_LENGTH)
		tell_length(http, segment, 0);
	else
		tell_bytes(http, segment);
}
