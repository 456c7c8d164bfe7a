/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Which connection the plaintext of a TLS session belongs to.
 *
 * Nothing is guessed and no structure of a library is read. What a thread does tells: a session that reads and writes its
 * socket by itself does so inside a call of the library; one that works on memory is given what the same thread has
 * received just before, and makes what it sends right after. The former is certain. Of the latter it takes two such
 * observations in a row that agree, of bytes that are records of TLS. Every handshake gives them before there is plaintext.
 */
#pragma once

#include "conns.bpf.h"

/* What is known of one direction of a session whose plaintext is HTTP/2 (tls_frames.bpf.h). */
struct tls_frames {
	/* Bytes of the current frame that are still to come; of the client's preface at first. */
	__u32 left;
	/* They are a body's. */
	bool is_data;
	/* A frame's head came in pieces: all bytes are told from there on. */
	bool is_lost;
	__u8 _pad[2];
	/* In the piece of plaintext that is looked at: from here on nothing was told yet, up to here it was looked at. */
	__u32 from;
	__u32 at;
};

struct tls_session_key {
	/* Address of the library's session object in its process. */
	__u64 object;
	__u32 tgid;
	__u32 _pad;
};

struct tls_session {
	/* Address of the socket's kernel structure; stays in the kernel. 0: none has been seen. */
	__u64 socket;
	/* As in `conns`. 0: of a connection that is not watched, or whose plaintext is not HTTP. */
	__u64 conn;
	bool is_certain;
	/* Some of its plaintext was missed. */
	bool is_midway;
	/* Pieces of plaintext looked at in vain. */
	__u8 tries;
	/* A byte that was read alone, where a request was expected: it is looked at with the rest. */
	bool has_carried;
	__u8 carried;
	/* Its plaintext is HTTP/2. */
	bool is_http2;
	__u8 _pad[2];
	/* Of what is read, of what is written. */
	struct tls_frames frames[2];
};

/* Those that are not freed before their process ends are displaced. One displaced too early finds its socket again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct tls_session_key);
	__type(value, struct tls_session);
} tls_sessions SEC(".maps");

static __always_inline struct conn *tls_conn_of(const struct tls_session *session)
{
	struct conn *conn = bpf_map_lookup_elem(&conns, &session->socket);

	return conn && conn->id == session->conn ? conn : NULL;
}

/*
 * An observation that says the session belongs to this socket. @conn: NULL when the connection is not watched.
 * Other sessions are not looked for on a socket that has one for certain.
 */
static __always_inline void tls_bind(const struct tls_session_key *key, __u64 socket, struct conn *conn, bool is_certain)
{
	struct tls_session *known = bpf_map_lookup_elem(&tls_sessions, key);
	struct tls_session session = { .socket = socket, .conn = conn ? conn->id : 0, .is_certain = is_certain };

	if (known && known->socket == session.socket && known->conn == session.conn) {
		is_certain = known->is_certain = true;
	} else if (known && known->is_certain && known->conn && tls_conn_of(known)) {
		/* It has its connection: this observation is a coincidence. */
		return;
	} else {
		session.is_midway = known && known->is_midway;
		if (skep_not_stored(bpf_map_update_elem(&tls_sessions, key, &session, BPF_ANY)))
			skep_count(SKEP_MAP_FULL);
	}
	if (is_certain && conn) {
		conn->is_tls = true;
		/* Packets hold ciphertext from here on. What was plain before (a proxy's CONNECT) is http.bpf.c's. */
		if (conn->http < HTTP_TRIES)
			conn->http = HTTP_NOT;
	}
}

static __always_inline void tls_miss(const struct tls_session_key *key)
{
	struct tls_session *known = bpf_map_lookup_elem(&tls_sessions, key);

	skep_count(SKEP_UNBOUND);
	if (known) {
		known->is_midway = true;
	} else {
		struct tls_session session = { .is_midway = true };

		bpf_map_update_elem(&tls_sessions, key, &session, BPF_ANY);
	}
}
