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

/*
 * Copies what stands of the pending exchange. False when there is none, when nothing of it is new, or when it ended while it
 * was copied: that is told by a record of its own. Nothing is changed that anybody else reads.
 */
static __always_inline bool read_standing(const struct http_conn *http, struct http_exchange *exchange, char *line, __u16 flags)
{
	__u32 number = *(const volatile __u32 *)&http->number;

	barrier();
	if (http->mode != HTTP_FOLLOWED || !is_pending(http))
		return false;
	/* Nothing is counted before there is a response, or never will be. */
	if (http->response == RESPONSE_AWAITED && !flags)
		return false;
	fill_exchange(exchange, http, HTTP_EXCHANGE, flags, line, HTTP_LINE_LONG);
	barrier();
	if (*(const volatile __u32 *)&http->number != number || *(const volatile __u8 *)&http->request == REQUEST_AWAITED)
		return false;
	return http->told_number != number || http->told_bytes != exchange->request_bytes + exchange->response_bytes;
}

/* An entry whose connection is no more, because its end was missed, is told as closed. */
static __always_inline void harvest_http(struct seq_file *out, __u64 key)
{
	struct http_entry *entry = bpf_map_lookup_elem(&http_conns, &key);
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);
	__u32 zero = 0;
	struct http_long_record *record = bpf_map_lookup_elem(&http_standing, &zero);
	bool is_gone;

	if (!entry || !record)
		return;
	is_gone = !conn || conn->id != entry->http.conn;
	if (!is_gone)
		name_http_owner(&entry->http, conn);
	if (read_standing(&entry->http, &record->exchange, record->line, is_gone ? HTTP_LAST : 0)) {
		/* The output is full, and the reader will come again. */
		if (bpf_seq_write(out, record, sizeof(*record)))
			return;
		entry->http.told_number = record->exchange.event.number;
		entry->http.told_bytes = record->exchange.request_bytes + record->exchange.response_bytes;
	}
	if (!is_gone)
		return;
	if (entry->http.was_streamed)
		tell_end(&entry->http);
	bpf_map_delete_elem(&http_conns, &key);
}
