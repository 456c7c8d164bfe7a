/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Records of exchanges. */
#pragma once

#include "http_conn.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} http_events SEC(".maps");

struct http_short_record {
	struct http_exchange exchange;
	char line[HTTP_LINE_SHORT];
};

struct http_long_record {
	struct http_exchange exchange;
	char line[HTTP_LINE_LONG];
};

enum http_record_form {
	/* Nothing to tell, or no room. */
	RECORD_NONE,
	RECORD_SHORT,
	RECORD_LONG,
};

/*
 * One of the two, as the request line needs it. Which one is told by a number, not by the pointers: before 6.4 or so the
 * verifier takes a pointer to a record it knows well for one that may be NULL, whenever it is compared again. Of eight bytes,
 * because of smaller ones it forgets the value on the stack.
 */
struct http_record {
	/* enum http_record_form */
	__u64 form;
	struct http_short_record *brief;
	struct http_long_record *full;
};

static __always_inline struct http_record reserve_record(const struct http_conn *http)
{
	struct http_record record = {};

	if (http->line_len > HTTP_LINE_SHORT) {
		record.full = bpf_ringbuf_reserve(&http_events, sizeof(*record.full), 0);
		if (record.full)
			record.form = RECORD_LONG;
	} else {
		record.brief = bpf_ringbuf_reserve(&http_events, sizeof(*record.brief), 0);
		if (record.brief)
			record.form = RECORD_SHORT;
	}
	if (record.form == RECORD_NONE)
		skep_count(SKEP_RING_FULL);
	return record;
}

/* In words; behind the line they are 0, because other parts of the head must stay here. */
static __always_inline void copy_line(char *to, const char *line, __u32 length, const __u32 room)
{
	const __u64 *from = (const __u64 *)line;
	__u64 *words = (__u64 *)to;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < room / 8 && i * 8 < length; i++)
		words[i] = from[i];
}

static __always_inline void fill_exchange(struct http_exchange *record, const struct http_conn *http, __u16 kind, __u16 flags,
					  char *line, const __u32 room)
{
	bool is_any = is_pending(http), responded = http->response != RESPONSE_AWAITED;
	__u32 line_len = is_any ? http->line_len : 0;

	flags |= http->flags;
	if (line_len > room) {
		line_len = room;
		flags |= HTTP_LINE_CUT;
	}
	if (responded)
		flags |= HTTP_RESPONDED;
	if (http->is_told)
		flags |= HTTP_CONTINUED;
	if (http->response == RESPONSE_UNFRAMED)
		flags |= HTTP_UNFRAMED;
	record->event.conn = http->conn;
	record->event.time_ns = is_any ? http->first_ns : 0;
	record->event.kind = kind;
	record->event.flags = flags;
	record->event.number = http->number;
	record->request_bytes = http->request_bytes;
	record->response_bytes = http->response_bytes;
	record->latency_ns = responded ? http->responded_ns - http->asked_ns : 0;
	record->duration_ns = is_any ? http->last_ns - http->first_ns : 0;
	record->request_left = http->request_left;
	record->response_left = http->response_left;
	record->read_seq = http->next[0];
	record->written_seq = http->next[1];
	record->tgid = http->tgid;
	record->netns = http->netns;
	__builtin_memcpy(record->src_addr, http->src_addr, 16);
	__builtin_memcpy(record->dst_addr, http->dst_addr, 16);
	record->src_port = http->src_port;
	record->dst_port = http->dst_port;
	record->status = responded ? http->status : 0;
	record->line_len = line_len;
	__builtin_memcpy(record->comm, http->comm, COMM_LEN);
	copy_line(line, http->line, line_len, room);
}

/* False when there was no room. */
static __always_inline bool fill_record(const struct http_record *record, const struct http_conn *http, __u16 kind, __u16 flags)
{
	if (record->form == RECORD_LONG)
		fill_exchange(&record->full->exchange, http, kind, flags, record->full->line, HTTP_LINE_LONG);
	else if (record->form == RECORD_SHORT)
		fill_exchange(&record->brief->exchange, http, kind, flags, record->brief->line, HTTP_LINE_SHORT);
	else
		return false;
	return true;
}

static __always_inline void send_record(const struct http_record *record, bool is_filled)
{
	if (record->form == RECORD_LONG) {
		if (is_filled)
			bpf_ringbuf_submit(record->full, 0);
		else
			bpf_ringbuf_discard(record->full, 0);
	} else if (record->form == RECORD_SHORT) {
		if (is_filled)
			bpf_ringbuf_submit(record->brief, 0);
		else
			bpf_ringbuf_discard(record->brief, 0);
	}
}
