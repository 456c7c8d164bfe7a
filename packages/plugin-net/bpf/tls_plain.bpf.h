/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * From plaintext to exchanges: what http.bpf.c does with packets, for bytes in the memory of a process. Both directions of a
 * session are rarely at work at once, and never for the plain exchanges that are followed here: there is no lock.
 */
#pragma once

#include "http_follow.bpf.h"
#include "http_open.bpf.h"
#include "tls_session.bpf.h"

/* The ends of a connection, for programs that have only its socket's address. */
static __always_inline void read_tls_ends(struct http_conn *http, __u64 socket, const bool direct)
{
	struct tcp_sock *tp = direct ? bpf_rdonly_cast((void *)socket, bpf_core_type_id_kernel(struct tcp_sock)) :
				       (struct tcp_sock *)socket;
	struct sock *sk = (struct sock *)tp;

	http->netns = netns_of(sk, direct);
	read_addresses(sk, http->src_addr, http->dst_addr, direct);
	http->src_port = bpf_ntohs(SK(direct, tp, inet_conn.icsk_inet.inet_sport));
	http->dst_port = bpf_ntohs(SK(direct, sk, __sk_common.skc_dport));
}

static __always_inline struct http_conn *make_tls_entry(__u64 socket, const struct conn *conn)
{
	struct http_entry *entry;

	if (skep_not_stored(bpf_map_update_elem(&tls_conns, &socket, http_blank, BPF_ANY))) {
		skep_count(SKEP_MAP_FULL);
		return NULL;
	}
	entry = bpf_map_lookup_elem(&tls_conns, &socket);
	if (!entry)
		return NULL;
	entry->http.conn = conn->id;
	entry->http.key = socket;
	entry->http.flags = HTTP_TLS;
	if (bpf_ksym_exists(bpf_rdonly_cast))
		read_tls_ends(&entry->http, socket, true);
	else
		read_tls_ends(&entry->http, socket, false);
	return &entry->http;
}

/* A request makes an entry; what is none is looked at a few times, since the beginning may have been missed. */
static __always_inline struct http_conn *open_tls(struct tls_session *session, const struct conn *conn,
						  const struct http_segment *segment)
{
	bool midway = session->is_midway || session->tries || (conn->flags & CONN_OLDER);
	__u32 length = segment->length > HTTP_METHOD_LEN ? HTTP_METHOD_LEN : segment->length;
	char first[HTTP_METHOD_LEN] = {};
	enum http_message_kind kind;
	struct http_conn *http;

	asm volatile("" : "+r"(length));
	if (length == 0 || length > HTTP_METHOD_LEN || http_load(segment, 0, first, length)) {
		skep_count(SKEP_UNREADABLE);
		return NULL;
	}
	kind = glance(first, length);
	if (kind != HTTP_REQUEST && (midway || kind != HTTP_CUT)) {
		/* Not HTTP: not watched any more. */
		if (++session->tries > HTTP_TRIES)
			session->conn = 0;
		return NULL;
	}
	http = make_tls_entry(session->socket, conn);
	if (!http)
		return NULL;
	if (midway)
		http->flags |= HTTP_MIDWAY;
	if (!segment->written)
		http->flags |= HTTP_INCOMING;
	return http;
}

static __always_inline void follow_tls(struct tls_session *session, struct http_conn *http, struct http_segment *segment)
{
	enum http_obeyed how = HTTP_RESUMED;
	__u64 socket = session->socket;

	if (http->mode == HTTP_STREAMED)
		how = http_obey(http, NULL, segment);
	if (how == HTTP_RESUMED) {
		enum http_followed followed = http_follow(http, NULL, segment);

		if (followed == HTTP_TAKEN)
			return;
		if (followed != HTTP_TO_STREAM) {
			session->is_midway = true;
			bpf_map_delete_elem(&tls_conns, &socket);
			return;
		}
		how = HTTP_TELL_BYTES;
	}
	if (how == HTTP_IGNORED) {
		session->conn = 0;
		bpf_map_delete_elem(&tls_conns, &socket);
		return;
	}
	http_stream(http, segment, how);
}

/* @length bytes of plaintext that the process has read from the session or written to it. */
static __always_inline void tls_plaintext(const struct tls_session_key *key, bool written, __u64 buffer, __u64 length)
{
	struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, key);
	struct http_segment segment = {
		.user = (void *)buffer,
		.in_user = true,
		.written = written,
		.length = length,
	};
	struct http_entry *entry;
	struct http_conn *http;
	struct conn *conn;
	__u64 socket;

	if (!session || !session->is_certain) {
		tls_miss(key);
		return;
	}
	if (!session->conn)
		return;
	conn = tls_conn_of(session);
	if (!conn) {
		tls_miss(key);
		return;
	}
	segment.now_ns = bpf_ktime_get_ns();
	socket = session->socket;
	entry = bpf_map_lookup_elem(&tls_conns, &socket);
	http = entry && entry->http.conn == conn->id ? &entry->http : open_tls(session, conn, &segment);
	if (!http)
		return;
	name_http_owner(http, conn);
	segment.seq = http->next[written];
	segment.ack = http->next[!written];
	follow_tls(session, http, &segment);
}
