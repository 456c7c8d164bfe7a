/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * From plaintext to exchanges: what http.bpf.c does with packets, for bytes in the memory of a process. Both directions of a
 * session are rarely at work at once, and never for the plain exchanges that are followed here: there is no lock.
 */
#pragma once

#include "http_follow.bpf.h"
#include "http_open.bpf.h"
#include "tls_call.bpf.h"
#include "tls_frames.bpf.h"

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

/* The frame with which a server of HTTP/2 may speak first (RFC 9113, 6.5): type 4, no flags, stream 0. */
static __always_inline bool is_settings_frame(const char *bytes, __u32 length)
{
	return length >= 9 && bytes[0] == 0 && bytes[3] == 4 && bytes[4] == 0 && bytes[5] == 0 && bytes[6] == 0 &&
	       bytes[7] == 0 && bytes[8] == 0;
}

/* A request makes an entry; what is none is looked at a few times, since the beginning may have been missed. */
static __always_inline struct http_conn *open_tls(struct tls_session *session, const struct conn *conn,
						  const struct http_segment *segment)
{
	bool midway = session->is_midway || session->tries || (conn->flags & CONN_OLDER);
	__u32 length = segment->length > HTTP_METHOD_LEN ? HTTP_METHOD_LEN : segment->length;
	bool is_request, is_settings, is_incoming = !segment->written;
	char first[HTTP_METHOD_LEN] = {};
	enum http_message_kind kind;
	struct http_conn *http;

	asm volatile("" : "+r"(length));
	if (length == 0 || length > HTTP_METHOD_LEN || http_load(segment, 0, first, length)) {
		skep_count(SKEP_UNREADABLE);
		return NULL;
	}
	kind = glance(first, length);
	is_request = kind == HTTP_REQUEST || (kind == HTTP_CUT && !midway);
	is_settings = !midway && is_settings_frame(first, length);
	if (!is_request && !is_settings) {
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
	if (is_incoming != is_settings)
		http->flags |= HTTP_INCOMING;
	/* The client's preface follows. */
	http->is_proven = is_settings;
	return http;
}

/*
 * Go's HTTP server waits for the next request by reading one byte, and the rest of it behind that byte. False when the
 * segment is to wait for the rest, or was spoilt.
 */
static __always_inline bool join_carried(struct tls_session *session, const struct http_conn *http,
					 struct http_segment *segment)
{
	__u8 byte = 0;

	if (session->has_carried) {
		session->has_carried = false;
		segment->user--;
		segment->length++;
		if (!bpf_probe_read_user(&byte, 1, segment->user) && byte == session->carried)
			return true;
		skep_count(SKEP_UNREADABLE);
		session->is_midway = true;
		bpf_map_delete_elem(&tls_conns, &session->socket);
		return false;
	}
	if (segment->length != 1 || http->mode != HTTP_FOLLOWED || !is_request_side(http, segment) ||
	    !head_expected(http, true) || bpf_probe_read_user(&session->carried, 1, segment->user))
		return true;
	session->has_carried = true;
	return false;
}

static __always_inline void follow_tls(struct tls_session *session, __u64 object, struct http_conn *http,
				       struct http_segment *segment)
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
		session->is_http2 = http->messages[1].kind == HTTP_TWO;
		if (session->is_http2)
			session->frames[segment->written].left = PREFACE_LENGTH;
	}
	if (how == HTTP_IGNORED) {
		session->conn = 0;
		bpf_map_delete_elem(&tls_conns, &socket);
		return;
	}
	if (session->is_http2 && !session->frames[segment->written].is_lost)
		tell_frames(http, segment, &session->frames[segment->written], object);
	else
		http_stream(http, segment, how);
}

/* Plaintext that the current thread has read or written in the call it has just left. */
static __always_inline void tls_plaintext(bool written)
{
	struct tls_caller thread = this_thread();
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &thread);
	struct http_segment segment = { .in_user = true, .written = written };
	struct tls_session_key key;
	struct tls_session *session;
	struct http_entry *entry;
	struct http_conn *http;
	struct conn *conn;
	__u64 socket;

	if (!call)
		return;
	key = session_of(&thread, call->object);
	session = bpf_map_lookup_elem(&tls_sessions, &key);
	if (!session || !session->is_certain) {
		tls_miss(&key);
		return;
	}
	if (!session->conn)
		return;
	conn = tls_conn_of(session);
	if (!conn) {
		tls_miss(&key);
		return;
	}
	segment.user = (void *)call->buffer;
	segment.length = call->count;
	segment.now_ns = bpf_ktime_get_ns();
	socket = session->socket;
	entry = bpf_map_lookup_elem(&tls_conns, &socket);
	http = entry && entry->http.conn == conn->id ? &entry->http : open_tls(session, conn, &segment);
	if (!http)
		return;
	name_http_owner(http, conn);
	if (!written && !join_carried(session, http, &segment))
		return;
	segment.seq = http->next[written];
	segment.ack = http->next[!written];
	follow_tls(session, key.object, http, &segment);
}

/* Programs of their own, and not a part of each that has plaintext: most of the verifier's work is done once then. */
SEC("uprobe")
int tls_was_read(struct pt_regs *ctx)
{
	tls_plaintext(false);
	return 0;
}

SEC("uprobe")
int tls_was_written(struct pt_regs *ctx)
{
	tls_plaintext(true);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, int(struct pt_regs *));
} tls_followers SEC(".maps") = {
	.values = {
		[0] = (void *)&tls_was_read,
		[1] = (void *)&tls_was_written,
	},
};

/* Does not return. */
static __always_inline void tls_deliver(struct pt_regs *ctx, bool written)
{
	if (written)
		bpf_tail_call(ctx, &tls_followers, 1);
	else
		bpf_tail_call(ctx, &tls_followers, 0);
	skep_count(SKEP_UNREADABLE);
}
