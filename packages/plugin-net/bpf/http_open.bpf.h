/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* From the first bytes of a connection to an entry in http_conns. */
#pragma once

#include "http_stream.bpf.h"

static __always_inline void name_http_owner(struct http_conn *http, const struct conn *conn)
{
	http->tgid = conn->tgid;
	__builtin_memcpy(http->comm, conn->comm, COMM_LEN);
	http->flags &= ~HTTP_OWNER_ASSUMED;
	if (conn->certainty <= OWNER_LISTENER)
		http->flags |= HTTP_OWNER_ASSUMED;
}

/* An entry that begins as @like says. NULL, and counted as lost, when there is no room. */
static __always_inline struct http_entry *add_entry(__u64 key, const void *like, const struct conn *conn, struct tcp_sock *tp)
{
	struct sock *sk = (struct sock *)tp;
	struct http_entry *entry;
	struct http_conn *http;

	if (skep_not_stored(bpf_map_update_elem(&http_conns, &key, like, BPF_ANY))) {
		skep_count(SKEP_MAP_FULL);
		return NULL;
	}
	entry = bpf_map_lookup_elem(&http_conns, &key);
	if (!entry)
		return NULL;
	http = &entry->http;
	http->conn = conn->id;
	http->key = key;
	http->netns = netns_of(sk, true);
	read_addresses(sk, http->src_addr, http->dst_addr, true);
	http->src_port = local_port(tp, true);
	http->dst_port = peer_port(sk, true);
	name_http_owner(http, conn);
	return entry;
}

static __always_inline bool is_from_client(const struct conn *conn, const struct http_segment *segment)
{
	return segment->written == (conn->direction == DIRECTION_OUTGOING);
}

static __always_inline void look_in_vain(struct conn *conn)
{
	conn->http = conn->http >= HTTP_TRIES ? HTTP_NOT : conn->http + 1;
}

/*
 * The first segment of a connection that is seen. @is_midway: something was before: the connection is older than we are, was
 * known too late (accepted by a process in scope from a listener that is not), or user space could not be told of it.
 */
static __always_inline struct http_entry *open_http(__u64 key, struct conn *conn, struct tcp_sock *tp,
						    const struct http_segment *segment, bool is_midway)
{
	enum http_message_kind kind = HTTP_GARBAGE;
	struct http_entry *entry;

	/* A server that speaks first speaks no HTTP. */
	if (is_midway || is_from_client(conn, segment))
		kind = glance_at(segment);
	if (kind == HTTP_GARBAGE || (is_midway && kind != HTTP_REQUEST)) {
		if (is_midway)
			look_in_vain(conn);
		else
			conn->http = HTTP_NOT;
		return NULL;
	}
	entry = add_entry(key, http_blank, conn, tp);
	if (!entry)
		return NULL;
	if (is_midway)
		entry->http.flags |= HTTP_MIDWAY;
	if (!segment->written)
		entry->http.flags |= HTTP_INCOMING;
	entry->http.next[segment->written] = segment->seq;
	/* A first packet that came behind a later one leaves a hole to be filled. */
	if (!is_midway && !segment->written)
		entry->http.next[0] = tp->rcv_nxt;
	entry->http.next[!segment->written] = segment->ack;
	conn->http = HTTP_FOUND;
	return entry;
}

/* It was no request after all. */
static __always_inline void refuse_http(__u64 key, struct conn *conn, const struct http_conn *http)
{
	/* How many have been looked at is not known any more: a look-alike is rare, and so is starting over. */
	conn->http = http->flags & HTTP_MIDWAY ? 1 : HTTP_NOT;
	bpf_map_delete_elem(&http_conns, &key);
}
