/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Requests that arrive before their connection: the packet that completes a handshake may carry one (TCP_DEFER_ACCEPT makes
 * that the rule, a lost ACK or TCP Fast Open the exception). It reaches the listener; or the new socket while that is not
 * in `conns` yet. It is looked at there and then, and waits in http_early for the connection's next packet.
 */
#pragma once

#include "http_open.bpf.h"

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static __always_inline __u64 early_key(const __u8 *src_addr, const __u8 *dst_addr, __u32 ports, __u32 netns)
{
	const __u64 *src = (const __u64 *)src_addr, *dst = (const __u64 *)dst_addr;

	return mix(mix(mix(mix(mix(0, src[0]), src[1]), dst[0]), dst[1]), (__u64)ports << 32 | netns);
}

/* A request that @sk, which is not the connection's socket or not known as such yet, has received. */
static __always_inline void note_early(struct __sk_buff *skb, struct sock *sk, const struct http_segment *segment)
{
	__u8 state = sk->__sk_common.skc_state;
	__u64 src_addr[2] = {}, dst_addr[2] = {}, key;
	struct http_message *message;
	struct http_early *early;
	struct http_conn *http;
	__be16 ports[2];
	__u32 at;

	if ((state != TCP_LISTEN && state != TCP_SYN_RECV) || glance_at(segment) == HTTP_GARBAGE)
		return;
	at = read_ip_header(skb, false, IPPROTO_TCP, (__u8 *)src_addr, (__u8 *)dst_addr);
	if (!at || bpf_skb_load_bytes(skb, at, ports, sizeof(ports)))
		return;
	key = early_key((__u8 *)src_addr, (__u8 *)dst_addr, (__u32)bpf_ntohs(ports[1]) << 16 | bpf_ntohs(ports[0]),
			netns_of(sk, true));
	bpf_map_update_elem(&http_early, &key, http_blank, BPF_ANY);
	early = bpf_map_lookup_elem(&http_early, &key);
	if (!early)
		return;
	http = &early->http;
	http->key = key;
	http->is_early = true;
	http->flags = HTTP_INCOMING;
	http->next[0] = segment->seq;
	http->next[1] = segment->ack;
	read_head(http, segment);
	message = &http->messages[1];
	if (message->kind == HTTP_GARBAGE) {
		bpf_map_delete_elem(&http_early, &key);
	} else if (step_of_request(http, message, segment->length) == STEP_REQUEST) {
		advance(http, segment, message, STEP_REQUEST, true, false);
	} else {
		__u32 size = segment->length > HTTP_LINE_LONG ? HTTP_LINE_LONG : segment->length;

		/* For user space: as much as there is room for. */
		http->mode = HTTP_STREAMED;
		http->first_ns = segment->now_ns;
		http->request_bytes = segment->length;
		if (http_load_most(segment, 0, http->line, size, HTTP_LINE_LONG))
			bpf_map_delete_elem(&http_early, &key);
	}
}

/* A request of a connection that would be plain to user space only: the beginning of a stream, of which its start is known. */
static __always_inline void stream_early(struct http_conn *http)
{
	struct http_record record = reserve_record(http);
	__u32 length = http->request_bytes;
	bool is_preface = http->messages[1].kind == HTTP_TWO;
	struct http_chunk *chunk;

	http->request_bytes = 0;
	http->was_streamed = true;
	send_record(&record, fill_record(&record, http, HTTP_STREAM, is_preface ? HTTP_PREFACE : 0));
	chunk = bpf_ringbuf_reserve(&http_events, sizeof(*chunk) + HTTP_CHUNK_LARGE, 0);
	if (!chunk) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	chunk->event = (struct http_event){ .conn = http->conn, .time_ns = http->first_ns, .kind = HTTP_CHUNK };
	chunk->event.flags = http->flags & (HTTP_INCOMING | HTTP_OWNER_ASSUMED);
	chunk->seq = http->next[0];
	chunk->length = length;
	chunk->captured = length > HTTP_LINE_LONG ? HTTP_LINE_LONG : length;
	chunk->tgid = http->tgid;
	__builtin_memcpy(chunk + 1, http->line, HTTP_LINE_LONG);
	bpf_ringbuf_submit(chunk, 0);
	http->next[0] += length;
}

/* Gives the socket of @key the request that came before it, if there is one and it is its first. */
static __always_inline struct http_entry *take_early(__u64 key, const struct conn *conn, struct tcp_sock *tp)
{
	struct sock *sk = (struct sock *)tp;
	__u32 first = tp->rcv_nxt - (__u32)tp->bytes_received;
	__u64 src_addr[2] = {}, dst_addr[2] = {}, hash;
	struct http_entry *entry;
	struct http_early *early;
	__u32 begin;

	read_addresses(sk, (__u8 *)src_addr, (__u8 *)dst_addr, true);
	hash = early_key((__u8 *)src_addr, (__u8 *)dst_addr, (__u32)local_port(tp, true) << 16 | peer_port(sk, true),
			 netns_of(sk, true));
	early = bpf_map_lookup_elem(&http_early, &hash);
	if (!early)
		return NULL;
	begin = early->http.next[0] - (__u32)(early->http.mode == HTTP_FOLLOWED ? early->http.request_bytes : 0);
	entry = begin == first ? add_entry(key, early, conn, tp) : NULL;
	bpf_map_delete_elem(&http_early, &hash);
	if (!entry)
		return NULL;
	entry->http.is_early = false;
	if (entry->http.mode == HTTP_STREAMED)
		stream_early(&entry->http);
	return entry;
}
