/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What is told of a connection besides the end of its exchanges: at its close, and at a flush what stands so far. */
#pragma once

#include "http_open.bpf.h"

static __always_inline void tell_end(const struct http_conn *http)
{
	struct http_event *event = bpf_ringbuf_reserve(&http_events, sizeof(*event), 0);

	if (!event) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	*event = (struct http_event){ .conn = http->conn, .time_ns = bpf_ktime_get_ns(), .kind = HTTP_END };
	event->flags = http->flags & HTTP_TLS;
	bpf_ringbuf_submit(event, 0);
}

/*
 * The connection is closed. User space keeps a state only of what was streamed to it, and learns of that one's end in any
 * case; of another only what was pending is told.
 */
static __always_inline void tell_close(struct http_conn *http)
{
	if (http->mode == HTTP_FOLLOWED && is_pending(http) && has_news(http)) {
		struct http_record record = reserve_record(http);

		send_record(&record, fill_record(&record, http, HTTP_EXCHANGE, HTTP_LAST));
	} else if (http->was_streamed) {
		tell_end(http);
	}
}

static __always_inline void on_close(__u64 key)
{
	struct http_entry *entry = bpf_map_lookup_elem(&http_conns, &key);
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!entry)
		return;
	if (conn && conn->id == entry->http.conn)
		name_http_owner(&entry->http, conn);
	tell_close(&entry->http);
	bpf_map_delete_elem(&http_conns, &key);
}

/* The record the iterator is about to write: one reader at a time walks it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_long_record);
} http_standing SEC(".maps");

/* Under the lock: notes what stands of the pending exchange as told. */
static __always_inline bool note_standing(struct http_conn *http, struct http_exchange *exchange, char *line, __u16 flags)
{
	bool is_telling = http->mode == HTTP_FOLLOWED && is_pending(http) && has_news(http);

	/* Nothing is counted before there is a response, or never will be. */
	if (!is_telling || !(http->response != RESPONSE_AWAITED || flags))
		return false;
	fill_exchange(exchange, http, HTTP_EXCHANGE, flags, line, HTTP_LINE_LONG);
	http->is_told = true;
	http->request_bytes = 0;
	http->response_bytes = 0;
	return true;
}

/* The output was full, and the reader will come again: takes it back, unless the exchange was over in this moment. */
static __always_inline void take_back(struct http_conn *http, const struct http_exchange *exchange)
{
	if (!is_pending(http) || !http->is_told || http->first_ns != exchange->event.time_ns)
		return;
	http->is_told = exchange->event.flags & HTTP_CONTINUED;
	http->request_bytes += exchange->request_bytes;
	http->response_bytes += exchange->response_bytes;
}

/* An entry whose connection is no more, because its end was missed, is told as closed. */
static __always_inline void harvest_http(struct seq_file *out, __u64 key)
{
	struct http_entry *entry = bpf_map_lookup_elem(&http_conns, &key);
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);
	__u32 zero = 0;
	struct http_long_record *record = bpf_map_lookup_elem(&http_standing, &zero);
	bool is_gone, is_noted;

	if (!entry || !record)
		return;
	is_gone = !conn || conn->id != entry->http.conn;
	if (!is_gone)
		name_http_owner(&entry->http, conn);
	http_lock(http_lock_of(entry));
	is_noted = note_standing(&entry->http, &record->exchange, record->line, is_gone ? HTTP_LAST : 0);
	http_unlock(http_lock_of(entry));
	if (is_noted && bpf_seq_write(out, record, sizeof(*record))) {
		http_lock(http_lock_of(entry));
		take_back(&entry->http, &record->exchange);
		http_unlock(http_lock_of(entry));
		return;
	}
	if (!is_gone)
		return;
	if (entry->http.was_streamed)
		tell_end(&entry->http);
	bpf_map_delete_elem(&http_conns, &key);
}
