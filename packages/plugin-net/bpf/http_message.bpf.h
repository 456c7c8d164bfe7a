/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the first bytes of a message say: is it HTTP/1, a request or a response, and where will it end? */
#pragma once

#include "http.h"
#include "http_head.bpf.h"

enum http_message_kind {
	/* Not the beginning of an HTTP/1 message. */
	HTTP_GARBAGE,
	/* Its first line is not whole, and is none of HTTP so far as it goes. */
	HTTP_CUT,
	HTTP_REQUEST,
	HTTP_RESPONSE,
	/* The preface of HTTP/2. */
	HTTP_TWO,
};

enum http_framing {
	/* `body` bytes follow the head. */
	HTTP_BY_LENGTH,
	/* The last chunk ends it. */
	HTTP_CHUNKED,
	/* The close of the connection ends it. */
	HTTP_UNTIL_CLOSE,
	/* Not for us to say: user space parses it. */
	HTTP_ODD,
};

struct http_message {
	__u8 kind;
	__u8 framing;
	bool is_head;
	bool is_connect;
	__u16 status;
	/* Of the head; 0: it does not end in the segment. */
	__u32 head;
	__u64 body;
	/* Of the request line. */
	__u32 line_len;
};

/* Characters of a token (RFC 9110, 5.6.2) below and from 64. */
#define TOKEN_LOW 0x03ff6cfa00000000ULL
#define TOKEN_HIGH 0x57ffffffc7fffffeULL

static __always_inline bool is_token_char(__u8 c)
{
	__u64 set = c < 64 ? TOKEN_LOW : TOKEN_HIGH;

	return c < 128 && (set >> (c & 63) & 1);
}

/* Longer methods are left to user space. */
#define HTTP_METHOD_LEN 24

/* @bytes: at least HTTP_METHOD_LEN of memory, of which @length are set. */
static __always_inline enum http_message_kind glance(const char *bytes, __u32 length)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HTTP_METHOD_LEN; i++) {
		if (i >= length)
			return HTTP_CUT;
		if (bytes[i] == ' ')
			return i ? HTTP_REQUEST : HTTP_GARBAGE;
		if (!is_token_char(bytes[i]))
			return HTTP_GARBAGE;
	}
	return HTTP_CUT;
}

/* Whether a segment may begin with a request. */
static __always_inline enum http_message_kind glance_at(const struct http_segment *segment)
{
	__u32 length = segment->length > HTTP_METHOD_LEN ? HTTP_METHOD_LEN : segment->length;
	char first[HTTP_METHOD_LEN] = {};

	if (http_load_most(segment, 0, first, length, HTTP_METHOD_LEN)) {
		skep_count(SKEP_UNREADABLE);
		return HTTP_GARBAGE;
	}
	return glance(first, length);
}

#define HTTP_1 WORD('H', 'T', 'T', 'P', '/', '1', '.', 0)

/* Whether a segment begins like a response. */
static __always_inline bool is_response(const struct http_segment *segment)
{
	char first[8] = {};

	return segment->length >= 12 && !http_load(segment, 0, first, sizeof(first)) &&
	       (word_at(first) & LOW_BYTES(7)) == HTTP_1;
}

/* Whether " HTTP/1." and a digit are the last characters of a line of @length bytes. */
static __always_inline bool ends_in_version(const char *line, __u32 length)
{
	const char *version = line + ((length - 8) & 1023);

	return length > 11 && (word_at(version) & LOW_BYTES(7)) == HTTP_1 && version[7] >= '0' && version[7] <= '9' &&
	       line[(length - 9) & 1023] == ' ';
}

/* The same of a line that is longer than what is kept of it. @tail: its last 16 bytes. */
static __always_inline bool tail_ends_in_version(const char *tail)
{
	if (tail[15] == '\r')
		return tail[6] == ' ' && (word_at(tail + 7) & LOW_BYTES(7)) == HTTP_1;
	return tail[7] == ' ' && (word_at(tail + 8) & LOW_BYTES(7)) == HTTP_1;
}

static __always_inline void frame(const struct http_head *head, __u8 without_length, struct http_message *message)
{
	message->framing = without_length;
	if (head->is_odd)
		message->framing = HTTP_ODD;
	else if (head->has_transfer_encoding)
		message->framing = HTTP_CHUNKED;
	else if (head->has_length)
		message->framing = read_length(head, &message->body) ? HTTP_BY_LENGTH : HTTP_ODD;
}

/*
 * @line: the beginning of the request, at most HTTP_LINE_LONG of the @available bytes; memory goes on behind it.
 * @tail: the last bytes of a line that is longer.
 */
static __always_inline void read_request(const char *line, const char *tail, __u32 available, const struct http_head *head,
					 struct http_message *message)
{
	__u32 line_len = head->line_len;
	bool has_version;

	message->kind = glance(line, available);
	if (message->kind != HTTP_REQUEST)
		return;
	if (!head->has_line) {
		message->kind = HTTP_CUT;
		return;
	}
	if (word_at(line) == WORD('P', 'R', 'I', ' ', '*', ' ', 'H', 'T') &&
	    word_at(line + 8) == WORD('T', 'P', '/', '2', '.', '0', '\r', '\n')) {
		message->kind = HTTP_TWO;
		return;
	}
	if (line_len > HTTP_LINE_LONG) {
		has_version = tail_ends_in_version(tail);
	} else {
		if (line_len && line[(line_len - 1) & 1023] == '\r')
			line_len--;
		has_version = ends_in_version(line, line_len);
	}
	if (!has_version) {
		message->kind = HTTP_GARBAGE;
		return;
	}
	message->line_len = line_len;
	message->head = head->length;
	message->is_head = (word_at(line) & LOW_BYTES(5)) == WORD('H', 'E', 'A', 'D', ' ', 0, 0, 0);
	message->is_connect = word_at(line) == WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', ' ');
	frame(head, HTTP_BY_LENGTH, message);
}

/* @line: the beginning of the response. @to_head: the request asked for the head alone. */
static __always_inline void read_response(const char *line, __u32 available, const struct http_head *head, bool to_head,
					  struct http_message *message)
{
	char hundreds = line[9], tens = line[10], ones = line[11];

	message->kind = HTTP_CUT;
	if (available < 12)
		return;
	message->kind = HTTP_GARBAGE;
	if ((word_at(line) & LOW_BYTES(7)) != HTTP_1 || line[8] != ' ' || hundreds < '1' || hundreds > '9' || tens < '0' ||
	    tens > '9' || ones < '0' || ones > '9')
		return;
	message->kind = HTTP_RESPONSE;
	message->status = (hundreds - '0') * 100 + (tens - '0') * 10 + (ones - '0');
	message->head = head->length;
	frame(head, HTTP_UNTIL_CLOSE, message);
	if (to_head || message->status == 204 || message->status == 304) {
		message->framing = HTTP_BY_LENGTH;
		message->body = 0;
	}
}
