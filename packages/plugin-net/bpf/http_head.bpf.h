/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Finds the end of a message's head, and in it what tells where the message ends. A head is looked at through a window in
 * map memory, sixteen bytes at a time; only the beginning of each line is compared with anything.
 */
#pragma once

#include "http_segment.bpf.h"

/* A power of two. */
#define HTTP_WINDOW 512
/* What is compared at the beginning of a line may be this long. */
#define HTTP_LOOK_AHEAD 32
#define HTTP_WINDOW_MEMORY (HTTP_WINDOW + HTTP_LOOK_AHEAD + 8)
/* In one window; each step takes in sixteen bytes or ends a line. What is left is looked at in the next one. */
#define HTTP_STEPS 40
#define HTTP_WINDOWS 24

/* Longer heads are left to user space. */
const volatile __u32 http_max_head = 8192;

/* How far a head has been looked at, and what was found. */
struct http_head {
	/* Where the window begins in the head, and the next byte to look at. */
	__u32 base;
	__u32 at;
	/* With the empty line that ends it. 0: it does not end in the segment, or not within http_max_head. */
	__u32 length;
	/* Of the first line, without its end. */
	__u32 line_len;
	/* Behind the colon of Content-Length, the first character in the lowest byte. */
	__u64 length_value[2];
	bool is_line_start;
	bool has_line;
	bool has_length;
	bool has_transfer_encoding;
	/* Framed in a way that is better left to a real parser. */
	bool is_odd;
	/* The message's first line was read too. */
	bool is_read;
};

#define EACH_BYTE 0x0101010101010101ULL
#define TO_LOWER 0x2020202020202020ULL
/* Words as they are read from memory: the first character in the lowest byte. */
#define WORD(a, b, c, d, e, f, g, h)                                                                       \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 | \
	 (__u64)(g) << 48 | (__u64)(h) << 56)
#define LOW_BYTES(count) ((1ULL << 8 * (count)) - 1)

static __always_inline __u64 word_at(const char *bytes)
{
	return *(const __u64 *)bytes;
}

/* Bit 7 of each byte of @word that is @byte; exact for the lowest such byte, which is the only one asked for. */
static __always_inline __u64 bytes_equal(__u64 word, __u8 byte)
{
	__u64 difference = word ^ (EACH_BYTE * byte);

	return (difference - EACH_BYTE) & ~difference & (EACH_BYTE << 7);
}

/* Index of the byte whose bit 7 is the lowest bit set in @marks. */
static __always_inline __u32 first_marked(__u64 marks)
{
	__u64 below = ((marks & -marks) >> 7) - 1;

	return ((below & EACH_BYTE) * EACH_BYTE) >> 56;
}

/* @at: the beginning of a header line, @word: its first eight bytes. */
static __always_inline void look_at_header(const char *at, __u64 word, struct http_head *head)
{
	__u64 name = word | TO_LOWER;

	/* A line that begins with white space continues the one before: long obsolete, and good for smuggling. */
	if ((__u8)word == ' ' || (__u8)word == '\t')
		head->is_odd = true;
	if (name == WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')) {
		__u64 rest = word_at(at + 8);

		if (((rest | TO_LOWER) & LOW_BYTES(6)) != WORD('l', 'e', 'n', 'g', 't', 'h', 0, 0))
			return;
		rest = rest >> 48 & 0xff;
		if (rest == ' ' || rest == '\t' || (rest == ':' && head->has_length))
			head->is_odd = true;
		if (rest != ':')
			return;
		head->has_length = true;
		head->length_value[0] = word_at(at + 15);
		head->length_value[1] = word_at(at + 23);
	} else if (name == WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')) {
		if ((word_at(at + 8) | TO_LOWER) == WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n') &&
		    ((word_at(at + 16) | 0x20) & LOW_BYTES(2)) == WORD('g', ':', 0, 0, 0, 0, 0, 0))
			head->has_transfer_encoding = true;
	}
}

/* The first @have bytes of the window are of the head; behind them there is @more of the segment, or not. */
static __always_inline void look_through(const char *window, struct http_head *head, __u32 have, bool more)
{
	/* Up to here a line can be looked at whole. */
	__u32 limit = more ? have - HTTP_LOOK_AHEAD : have - 1;
	/* 0, which the verifier must not know: it would follow every sum that can come out. */
	__u32 at = head->at - head->base;

#pragma clang loop unroll(disable)
	for (int step = 0; step < HTTP_STEPS && at <= limit; step++) {
		const char *here = window + (at & (HTTP_WINDOW - 1));
		__u64 word = word_at(here), ends = bytes_equal(word, '\n');

		if (head->is_line_start) {
			__u32 empty = (__u8)word == '\n' ? 1 : (__u16)word == ('\r' | '\n' << 8) ? 2 : 0;

			if (empty) {
				at += empty;
				if (at <= have)
					head->length = head->base + at;
				break;
			}
			look_at_header(here, word, head);
		}
		/* Most lines are longer than eight bytes. */
		if (!ends) {
			ends = bytes_equal(word_at(here + 8), '\n');
			at += 8;
		}
		head->is_line_start = ends != 0;
		barrier();
		at += ends ? first_marked(ends) + 1 : 8;
		if (!ends)
			continue;
		if (!head->has_line && at <= have) {
			head->has_line = true;
			head->line_len = head->base + at - 1;
		}
	}
	head->at = head->base + at;
}

/* The value of a Content-Length: white space, digits, white space. False when it is not like that or very large. */
static __always_inline bool read_length(const struct http_head *head, __u64 *length)
{
	__u64 low = head->length_value[0], high = head->length_value[1], value = 0;
	bool has_digits = false, is_over = false;

#pragma unroll
	for (int i = 0; i < 16; i++) {
		__u8 c = low;

		low = low >> 8 | high << 56;
		high >>= 8;
		if (c == '\r' || c == '\n') {
			*length = value;
			return has_digits;
		}
		if (c == ' ' || c == '\t') {
			is_over = has_digits;
			continue;
		}
		if (c < '0' || c > '9' || is_over)
			return false;
		has_digits = true;
		value = value * 10 + (c - '0');
	}
	return false;
}
