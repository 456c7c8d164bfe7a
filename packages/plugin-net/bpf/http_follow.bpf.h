/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Follows a connection from exchange to exchange.
 *
 * Both directions of a connection, and a reader of its state, can be at work on it at once. What a segment is to the
 * connection is therefore decided twice by the same function: first to find out whether a head must be read and a record
 * reserved, neither of which may be done under the lock, then under the lock in earnest.
 *
 * Positions are sequence numbers, never sums of lengths: what comes twice is counted once, and a hole in a body counts as
 * its bytes, since what fills it comes later and is then old. Only a head cannot be found in disorder.
 */
#pragma once

#include "http_tell.bpf.h"

enum http_step {
	/* Old bytes, or such that belong to no exchange. */
	STEP_PASS,
	/* Bytes of a message that is under way. */
	STEP_COUNT,
	STEP_REQUEST,
	STEP_RESPONSE,
	/* More bytes of a response whose end was taken for it too early. */
	STEP_REOPEN,
	/* Anything else: user space sees to it. */
	STEP_HAND_OVER,
};

static __always_inline bool is_request_side(const struct http_conn *http, const struct http_segment *segment)
{
	return segment->written != !!(http->flags & HTTP_INCOMING);
}

/* Bytes of the segment that are new, counting those that are missing before it; 0 or less: none. */
static __always_inline __s32 new_bytes(const struct http_conn *http, const struct http_segment *segment)
{
	return segment->seq + segment->length - http->next[segment->written];
}

static __always_inline bool head_expected(const struct http_conn *http, bool is_request)
{
	if (is_request)
		return !is_pending(http) || is_over(http);
	return is_pending(http) && http->response == RESPONSE_AWAITED;
}

/* Whether the head is in the segment with nothing behind it but its own body. */
static __always_inline bool is_plain(const struct http_message *message, __u32 bytes)
{
	if (!message->head || message->framing == HTTP_ODD)
		return false;
	return message->framing != HTTP_BY_LENGTH || bytes - message->head <= message->body;
}

static __always_inline enum http_step step_of_request(const struct http_conn *http, const struct http_message *message,
						      __u32 bytes)
{
	if (http->request == REQUEST_BODY)
		return bytes <= http->request_left ? STEP_COUNT : STEP_HAND_OVER;
	if (!head_expected(http, true) || message->kind != HTTP_REQUEST)
		return STEP_HAND_OVER;
	return is_plain(message, bytes) && message->framing == HTTP_BY_LENGTH ? STEP_REQUEST : STEP_HAND_OVER;
}

static __always_inline enum http_step step_of_response(const struct http_conn *http, const struct http_message *message,
						       __u32 bytes)
{
	if (!is_pending(http))
		return http->was_chunked ? STEP_REOPEN : STEP_PASS;
	if (http->response == RESPONSE_UNFRAMED)
		return STEP_COUNT;
	if (http->response == RESPONSE_BODY)
		return bytes <= http->response_left ? STEP_COUNT : STEP_HAND_OVER;
	if (http->response == RESPONSE_WHOLE || message->kind != HTTP_RESPONSE)
		return STEP_HAND_OVER;
	/* Interim responses, another protocol, a tunnel. */
	if (message->status < 200 || (http->is_connect && message->status < 300))
		return STEP_HAND_OVER;
	return is_plain(message, bytes) ? STEP_RESPONSE : STEP_HAND_OVER;
}

static __always_inline enum http_step step_of(const struct http_conn *http, const struct http_segment *segment,
					      const struct http_message *message, bool is_request)
{
	__s32 bytes = new_bytes(http, segment);

	if (bytes <= 0)
		return STEP_PASS;
	if ((__u32)bytes > segment->length && head_expected(http, is_request))
		return STEP_HAND_OVER;
	return is_request ? step_of_request(http, message, bytes) : step_of_response(http, message, bytes);
}

/* The end of a chunked body, unless it has a trailer or is split: then the next request or the close tells. */
static __always_inline bool ends_in_last_chunk(const struct http_segment *segment)
{
	char end[8] = { '\r', '\n' };

	if (segment->length >= 7) {
		if (http_load(segment, segment->length - 7, end, 7))
			return false;
	} else if (segment->length != 5 || http_load(segment, 0, end + 2, 5)) {
		return false;
	}
	return (word_at(end) & LOW_BYTES(7)) == WORD('\r', '\n', '0', '\r', '\n', '\r', '\n', 0);
}

static __always_inline void begin_exchange(struct http_conn *http, const struct http_segment *segment,
					   const struct http_message *message, __u32 bytes)
{
	__u32 line_len = message->line_len;

	http->number++;
	barrier();
	http->flags &= ~HTTP_LINE_CUT;
	if (line_len > HTTP_LINE_LONG) {
		line_len = HTTP_LINE_LONG;
		http->flags |= HTTP_LINE_CUT;
	}
	/* Lines are told in words of eight bytes; the last one's rest is not the line's. */
	/* The compiler would leave the mask out, and not every verifier remembers why it may. */
	asm volatile("" : "+r"(line_len));
	*(__u64 *)(http->line + (line_len & 1023)) = 0;
	http->line_len = line_len;
	http->is_proven = true;
	http->is_head = message->is_head;
	http->is_connect = message->is_connect;
	http->is_chunked = false;
	http->was_chunked = false;
	http->is_told = false;
	http->first_ns = segment->now_ns;
	http->request_bytes = bytes;
	http->response_bytes = 0;
	http->request_left = message->body - (bytes - message->head);
	http->response_left = 0;
	http->response = RESPONSE_AWAITED;
	barrier();
	http->request = http->request_left ? REQUEST_BODY : REQUEST_WHOLE;
}

static __always_inline void begin_response(struct http_conn *http, const struct http_segment *segment,
					   const struct http_message *message, __u32 bytes)
{
	http->status = message->status;
	http->responded_ns = segment->now_ns;
	http->response_bytes = bytes;
	http->is_chunked = message->framing == HTTP_CHUNKED;
	http->response_left = 0;
	http->response = RESPONSE_UNFRAMED;
	if (message->framing == HTTP_BY_LENGTH) {
		http->response_left = message->body - (bytes - message->head);
		http->response = http->response_left ? RESPONSE_BODY : RESPONSE_WHOLE;
	}
}

static __always_inline void count_bytes(struct http_conn *http, __u32 bytes, bool is_request)
{
	if (is_request) {
		http->request_bytes += bytes;
		http->request_left -= bytes;
		if (!http->request_left)
			http->request = REQUEST_WHOLE;
		return;
	}
	http->response_bytes += bytes;
	if (http->response == RESPONSE_BODY) {
		http->response_left -= bytes;
		if (!http->response_left)
			http->response = RESPONSE_WHOLE;
	}
}

/* Takes the segment in. */
static __always_inline void advance(struct http_conn *http, const struct http_segment *segment,
				    const struct http_message *message, enum http_step step, bool is_request, bool has_last_chunk)
{
	__u32 bytes = new_bytes(http, segment);

	http->next[segment->written] = segment->seq + segment->length;
	if (step == STEP_PASS)
		return;
	if (step == STEP_REQUEST) {
		begin_exchange(http, segment, message, bytes);
	} else if (step == STEP_RESPONSE) {
		begin_response(http, segment, message, bytes);
	} else if (step == STEP_REOPEN) {
		/* It was told: what comes now is added. */
		http->number++;
		barrier();
		http->response = RESPONSE_UNFRAMED;
		http->is_told = true;
		http->response_bytes = bytes;
		barrier();
		http->request = REQUEST_WHOLE;
	} else {
		count_bytes(http, bytes, is_request);
	}
	if (has_last_chunk && http->response == RESPONSE_UNFRAMED)
		http->response = RESPONSE_WHOLE;
	http->last_ns = segment->now_ns;
	if (is_request && http->response == RESPONSE_AWAITED)
		http->asked_ns = segment->now_ns;
}

/* Whether this segment ends an exchange, or begins one behind an exchange that could not be told when it ended. */
static __always_inline bool will_tell(const struct http_conn *http, const struct http_message *message, enum http_step step,
				      __u32 bytes, bool is_request, bool has_last_chunk)
{
	switch (step) {
	case STEP_HAND_OVER:
		return true;
	case STEP_REQUEST:
		return is_over(http);
	case STEP_RESPONSE:
		return http->request == REQUEST_WHOLE &&
		       (has_last_chunk || (message->framing == HTTP_BY_LENGTH && bytes - message->head == message->body));
	case STEP_REOPEN:
		return has_last_chunk;
	case STEP_COUNT:
		if (is_request)
			return http->response == RESPONSE_WHOLE && bytes == http->request_left;
		return http->request == REQUEST_WHOLE &&
		       (has_last_chunk || (http->response == RESPONSE_BODY && bytes == http->response_left));
	default:
		return false;
	}
}

/* Looks at the head that is expected where the new bytes of the segment begin: afterwards its message is known. */
static __always_inline void read_head(struct http_conn *http, const struct http_segment *segment)
{
	__u32 is_request = forget(http, segment->written, is_request_side(http, segment)) & HTTP_LOOK_REQUEST;
	__u32 what = is_request | (http->is_early ? HTTP_LOOK_EARLY : 0);
	struct http_message *message = &http->messages[is_request];
	struct http_head *head = &http->heads[is_request];
	char *window = window_of(http, is_request);
	__u32 available = new_bytes(http, segment);
	__u32 from = segment->length - available;
	__u32 limit = available > http_max_head ? http_max_head : available;
	__u32 line_len;

	*message = (struct http_message){};
	*head = (struct http_head){};
#pragma clang loop unroll(disable)
	for (int i = 0; i < HTTP_WINDOWS; i++) {
		__u32 at = head->at;
		__u32 have = limit - at > HTTP_WINDOW ? HTTP_WINDOW : limit - at;

		if (head->length || at >= limit)
			break;
		if (http_load_most(segment, from + at, window, have, HTTP_WINDOW))
			return;
		head->base = at;
		http_look(http->key, have, available, what | HTTP_LOOK_SCAN | (at + have < limit ? HTTP_LOOK_MORE : 0));
	}
	if (head->is_read)
		return;
	/* The window has moved on, or did not hold all of the line. */
	line_len = head->line_len;
	if (is_request) {
		if (http_load_most(segment, from, http->line, available > HTTP_LINE_LONG ? HTTP_LINE_LONG : available,
				   HTTP_LINE_LONG))
			return;
		if (line_len > HTTP_LINE_LONG && http_load(segment, from + line_len - 16, http->tail, 16))
			return;
	} else if (http_load_most(segment, from, http->window, available > HTTP_WINDOW ? HTTP_WINDOW : available,
				  HTTP_WINDOW)) {
		return;
	}
	http_look(http->key, 0, available, what);
}

/* What became of a segment. */
enum http_followed {
	HTTP_TAKEN,
	/* Its bytes are for user space. */
	HTTP_TO_STREAM,
	/* It begins nothing that is HTTP, and the connection has not shown any yet. */
	HTTP_REFUSED,
	/* User space could not be told that it must take over. */
	HTTP_LOST,
};

/* @is_reserved: a record was asked for in time; if there was none to be had the exchange is lost. Otherwise it waits. */
static __always_inline bool tell_exchange(struct http_conn *http, const struct http_record *record, bool is_reserved)
{
	bool is_filled = has_news(http) && fill_record(record, http, HTTP_EXCHANGE, 0);

	if (is_reserved)
		end_exchange(http);
	return is_filled;
}

/* Decides what is done with a segment; false when there is nothing to do. */
static __always_inline void make_plan(struct http_conn *http, const struct http_segment *segment, struct http_plan *plan)
{
	bool is_request = is_request_side(http, segment);
	const struct http_message *message = is_request ? &http->messages[1] : &http->messages[0];
	enum http_step step = step_of(http, segment, message, is_request);

	plan->step = step;
	plan->has_last_chunk = false;
	if (!is_request && (http->is_chunked || message->framing == HTTP_CHUNKED) && step != STEP_HAND_OVER)
		plan->has_last_chunk = ends_in_last_chunk(segment);
	barrier();
	plan->is_reserved = will_tell(http, message, plan->step, new_bytes(http, segment), is_request, plan->has_last_chunk);
	barrier();
}

/* Under the lock: what came of it. */
static __always_inline enum http_followed execute_plan(struct http_conn *http, const struct http_segment *segment,
						       const struct http_plan *plan, const struct http_record *record,
						       bool *is_filled)
{
	bool is_request = is_request_side(http, segment);
	const struct http_message *message = is_request ? &http->messages[1] : &http->messages[0];
	bool is_reserved = plan->is_reserved;
	enum http_step step = plan->step;

	if (http->mode != HTTP_FOLLOWED)
		return HTTP_TO_STREAM;
	/* Once a hand-over is announced nothing that has changed meanwhile speaks against it. */
	if (step != STEP_HAND_OVER)
		step = step_of(http, segment, message, is_request);
	if (step == STEP_HAND_OVER) {
		*is_filled = fill_record(record, http, HTTP_STREAM, message->kind == HTTP_TWO ? HTTP_PREFACE : 0);
		http->mode = HTTP_STREAMED;
		http->was_streamed = true;
		end_exchange(http);
		return *is_filled ? HTTP_TO_STREAM : HTTP_LOST;
	}
	if (step == STEP_REQUEST && is_over(http)) {
		*is_filled = tell_exchange(http, record, is_reserved);
		is_reserved = false;
	}
	advance(http, segment, message, step, is_request, plan->has_last_chunk);
	if (is_over(http) && is_reserved)
		*is_filled = tell_exchange(http, record, is_reserved);
	return HTTP_TAKEN;
}

/* Whether it begins an exchange where none is: no other direction and no reader has anything to do with that. */
static __always_inline bool is_undisputed(const struct http_conn *http, const struct http_plan *plan)
{
	return plan->step == STEP_REQUEST && !is_pending(http) && !http->was_chunked;
}

/*
 * @lock: what `http` is under; NULL where only one segment of a connection is looked at at a time.
 */
static __always_inline enum http_followed http_follow(struct http_conn *http, struct bpf_spin_lock *lock,
						      const struct http_segment *segment)
{
	bool is_request = is_request_side(http, segment), is_filled = false;
	const struct http_message *message = is_request ? &http->messages[1] : &http->messages[0];
	struct http_plan *plan = segment->written ? &http->plans[1] : &http->plans[0];
	struct http_record record = {};
	__s32 bytes = new_bytes(http, segment);
	enum http_followed followed;

	if (bytes <= 0)
		return HTTP_TAKEN;
	if (head_expected(http, is_request) && (__u32)bytes <= segment->length) {
		read_head(http, segment);
		if (!http->is_proven && (message->kind == HTTP_GARBAGE ||
					 (message->kind != HTTP_REQUEST && (http->flags & HTTP_MIDWAY))))
			return HTTP_REFUSED;
	}
	make_plan(http, segment, plan);
	if (is_undisputed(http, plan)) {
		advance(http, segment, message, STEP_REQUEST, true, false);
		return HTTP_TAKEN;
	}
	if (plan->is_reserved)
		record = reserve_record(http);
	http_lock(lock);
	followed = execute_plan(http, segment, plan, &record, &is_filled);
	http_unlock(lock);
	send_record(&record, is_filled);
	return followed;
}
