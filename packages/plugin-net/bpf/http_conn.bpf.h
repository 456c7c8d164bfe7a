/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What is kept of a connection whose bytes are HTTP. */
#pragma once

#include "http.h"
#include "http_message.bpf.h"

enum http_mode {
	/* We follow it ourselves. */
	HTTP_FOLLOWED,
	/* User space gets its bytes. */
	HTTP_STREAMED,
};

enum http_request_phase {
	/* The next byte begins one. */
	REQUEST_AWAITED,
	/* `request_left` bytes of its body are to come. */
	REQUEST_BODY,
	REQUEST_WHOLE,
};

enum http_response_phase {
	RESPONSE_AWAITED,
	/* `response_left` bytes of its body are to come. */
	RESPONSE_BODY,
	/* Where it ends is not known. */
	RESPONSE_UNFRAMED,
	RESPONSE_WHOLE,
};

/*
 * What is done with a segment, decided before the lock is taken. Not on the stack: the verifier would follow every
 * combination of values through all that comes after.
 */
struct http_plan {
	/* enum http_step */
	__u8 step;
	bool has_last_chunk;
	/* A record was asked for. */
	bool is_reserved;
};

struct http_conn {
	/* As in conn_record. */
	__u64 conn;
	/* Of the entry: as a number, because a pointer cannot be handed to http_scan. */
	__u64 key;
	/* Of the exchange that is pending: first byte of the request, its last before the response, first of the response, last of all. */
	__u64 first_ns;
	__u64 asked_ns;
	__u64 responded_ns;
	__u64 last_ns;
	__u64 request_bytes;
	__u64 response_bytes;
	__u64 request_left;
	__u64 response_left;
	/* Numbers of the next bytes: read, written. Bytes before are retransmissions. */
	__u32 next[2];
	__u32 tgid;
	__u32 netns;
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	char comm[COMM_LEN];
	__u16 status;
	__u16 line_len;
	/* enum http_mode, http_request_phase, http_response_phase */
	__u8 mode;
	__u8 request;
	__u8 response;
	/* HTTP_INCOMING, HTTP_TLS, HTTP_OWNER_ASSUMED, HTTP_LINE_CUT, HTTP_MIDWAY as they go into records. */
	__u16 flags;
	/* A request was seen whole: it is HTTP indeed. */
	bool is_proven;
	bool is_head;
	bool is_connect;
	bool is_chunked;
	/* The pending exchange was over and told, and goes on. */
	bool is_told;
	/* The last response's end was taken for it by its look. */
	bool was_chunked;
	/* User space has a state of it. */
	bool was_streamed;
	/* In http_early. */
	bool is_early;
	/* Request line of the pending exchange; before, the window over its head. */
	char line[HTTP_LINE_LONG];
	/* Over the head of a response. */
	char window[HTTP_WINDOW_MEMORY];
	/* The end of a request line that is longer than `line`. */
	char tail[16];
	/* Of the last response and the last request that was looked at. */
	struct http_head heads[2];
	struct http_message messages[2];
	/* For a segment that was read, one that was written. */
	struct http_plan plans[2];
	/* See forget(). */
	__u32 forgotten[2];
	/* Of the pending exchange, or the last one. Changed before anything else of an exchange is. */
	__u32 number;
	/* The reader's own: what it told last, requests and responses together. */
	__u32 told_number;
	__u64 told_bytes;
};

struct http_entry {
#ifdef HTTP_UNLOCKED
	__u32 _unlocked;
#else
	/*
	 * Held for decisions that both directions take part in; nothing is read or called meanwhile. Who reads what stands does
	 * without: iterators may take no locks before 5.13 or so.
	 */
	struct bpf_spin_lock lock;
#endif
	__u32 _pad;
	struct http_conn http;
};

/* By address of the socket, as `conns`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct http_entry);
} http_conns SEC(".maps");

/* What a new entry is a copy of: too large for the stack. */
static const char http_blank[sizeof(struct http_entry)] __attribute__((aligned(8))) = {};

#ifndef HTTP_UNLOCKED
/*
 * Requests that came before their connection (http_early.bpf.h), by a hash of its ends. An entry is laid out as those of
 * http_conns, so that it can become one; nobody else is at work on it, so it has no lock.
 */
struct http_early {
	__u64 _unlocked;
	struct http_conn http;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, struct http_early);
} http_early SEC(".maps");
#endif

/* What http_look does. */
#define HTTP_LOOK_REQUEST 1
/* The window shows more of the head. */
#define HTTP_LOOK_SCAN 2
/* Behind the window there is more of the segment. */
#define HTTP_LOOK_MORE 4
/* It is of an entry of http_early. */
#define HTTP_LOOK_EARLY 8

static __always_inline struct http_conn *find_http(__u64 key, bool is_early)
{
	struct http_entry *entry;

#ifndef HTTP_UNLOCKED
	if (is_early) {
		struct http_early *early = bpf_map_lookup_elem(&http_early, &key);

		return early ? &early->http : NULL;
	}
#endif
	entry = bpf_map_lookup_elem(&http_conns, &key);
	return entry ? &entry->http : NULL;
}

/* Where a head is looked at. The offset is computed rather than chosen: a branch would double the verifier's work. */
static __always_inline char *window_of(struct http_conn *http, __u32 is_request)
{
	return http->line + (~is_request & 1) * (offsetof(struct http_conn, window) - offsetof(struct http_conn, line));
}

/*
 * Looks at the @have bytes of a head that are in the window, of @available there are; with HTTP_LOOK_SCAN for its end, and
 * if that is found, or without HTTP_LOOK_SCAN, at the first line.
 *
 * A function of its own, which the verifier looks at once instead of each time it is called from a loop: so heads of some
 * KiB stay within its limits. Such a function is handed numbers only (pointers since 5.12, e5069b9c23b3) and finds its
 * connection itself.
 */
__noinline int http_look(__u64 key, __u32 have, __u32 available, __u32 what)
{
	struct http_conn *http = find_http(key, what & HTTP_LOOK_EARLY);
	__u32 is_request = what & HTTP_LOOK_REQUEST;
	struct http_head *head;
	char *window;

	if (!http)
		return 0;
	head = &http->heads[is_request];
	window = window_of(http, is_request);
	if (what & HTTP_LOOK_SCAN) {
		look_through(window, head, have, what & HTTP_LOOK_MORE);
		if (!head->length && (what & HTTP_LOOK_MORE))
			return 0;
		if (head->base || head->line_len > HTTP_WINDOW)
			return 0;
	}
	if (is_request)
		read_request(http->line, http->tail, available, head, &http->messages[1]);
	else
		read_response(http->window, available, head, http->is_head, &http->messages[0]);
	head->is_read = true;
	return 0;
}

/* NULL where the map's entries have none. */
#ifdef HTTP_UNLOCKED
#define http_lock_of(entry) ((struct bpf_spin_lock *)NULL)
#else
#define http_lock_of(entry) (&(entry)->lock)
#endif

static __always_inline void http_lock(struct bpf_spin_lock *lock)
{
	if (lock)
		bpf_spin_lock(lock);
}

static __always_inline void http_unlock(struct bpf_spin_lock *lock)
{
	if (lock)
		bpf_spin_unlock(lock);
}

static __always_inline bool is_pending(const struct http_conn *http)
{
	return http->request != REQUEST_AWAITED;
}

/*
 * The same number, of which the verifier knows nothing: it has been through memory. What it learnt of a segment's length in
 * one branch or another would else make it follow all that comes after again for each.
 */
static __always_inline __u32 forget(struct http_conn *http, bool written, __u32 number)
{
	volatile __u32 *memory = written ? &http->forgotten[1] : &http->forgotten[0];

	*memory = number;
	return *memory;
}

/* Whether the pending exchange is at its end. It stays so only until it is told. */
static __always_inline bool is_over(const struct http_conn *http)
{
	return http->request == REQUEST_WHOLE && http->response == RESPONSE_WHOLE;
}

/* Whether a record of the pending exchange would say anything that was not told. */
static __always_inline bool has_news(const struct http_conn *http)
{
	return !http->is_told || http->request_bytes || http->response_bytes;
}

static __always_inline void end_exchange(struct http_conn *http)
{
	http->request = REQUEST_AWAITED;
	barrier();
	http->response = RESPONSE_AWAITED;
	http->request_bytes = 0;
	http->response_bytes = 0;
	http->request_left = 0;
	http->response_left = 0;
	http->was_chunked = http->is_chunked;
	http->is_told = false;
}
