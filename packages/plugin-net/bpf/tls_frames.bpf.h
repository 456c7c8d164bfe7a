/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * HTTP/2 inside TLS: user space gets all frames, but of bodies (DATA) only their length. Plaintext comes in order and
 * without repetition, so frames can be told apart here; packets have no such virtue.
 */
#pragma once

#include "http_stream.bpf.h"
#include "tls_session.bpf.h"

#define FRAME_HEAD 9
#define PREFACE_LENGTH 24
#define FRAME_DATA 0
/* In one piece of plaintext: up to three for a frame. */
#define TLS_STEPS 512

/* Tells @captured bytes from @at on, and of @unseen bytes behind them how many they are. */
static __always_inline void tell_part(const struct http_conn *http, const struct http_segment *segment, __u32 at,
				      __u32 captured, __u32 unseen, const __u32 room)
{
	struct http_chunk *chunk = bpf_ringbuf_reserve(&http_events, sizeof(*chunk) + room, 0);

	if (!chunk) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	fill_chunk(chunk, http, segment, at, captured + unseen, captured);
	if (captured && http_load_most(segment, at, chunk + 1, captured, room)) {
		bpf_ringbuf_discard(chunk, 0);
		skep_count(SKEP_UNREADABLE);
		return;
	}
	bpf_ringbuf_submit(chunk, 0);
}

/* Tells what lies between `from` and `at`, as much of it as fits a record; @unseen bytes behind it if all does. */
static __always_inline void tell_range(const struct http_conn *http, const struct http_segment *segment,
				       struct tls_frames *frames, __u32 unseen)
{
	__u32 from = frames->from, captured = frames->at - from;

	if (captured > HTTP_CHUNK_LARGE) {
		captured = HTTP_CHUNK_LARGE;
		unseen = 0;
	}
	frames->from = from + captured + unseen;
	if (captured > HTTP_CHUNK_SMALL)
		tell_part(http, segment, from, captured, unseen, HTTP_CHUNK_LARGE);
	else
		tell_part(http, segment, from, captured, unseen, HTTP_CHUNK_SMALL);
}

static __always_inline void read_frame_head(const struct http_segment *segment, struct tls_frames *frames)
{
	__u8 head[FRAME_HEAD] = {};

	if (segment->length - frames->at < FRAME_HEAD || http_load(segment, frames->at, head, FRAME_HEAD)) {
		frames->is_lost = true;
		frames->at = segment->length;
		return;
	}
	frames->left = head[0] << 16 | head[1] << 8 | head[2];
	frames->is_data = head[3] == FRAME_DATA;
	frames->at += FRAME_HEAD;
}

/*
 * Looks at one frame more of the @length bytes of plaintext at @buffer, or tells what was looked at. 0 when all is told.
 * A function of its own, which the verifier looks at once for all frames; see http_look.
 */
__noinline int tls_next_frame(__u64 object, __u64 buffer, __u32 length, __u32 written)
{
	struct tls_session_key key = { .object = object, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &key);
	struct http_segment segment = {
		.user = (void *)buffer, .in_user = true, .length = length, .written = written, .now_ns = bpf_ktime_get_ns()
	};
	struct http_entry *entry = session ? bpf_map_lookup_elem(&http_conns, &session->socket) : NULL;
	struct tls_frames *frames;
	__u32 passed;

	if (!entry)
		return 0;
	frames = &session->frames[written & 1];
	segment.seq = entry->http.next[written & 1];
	if (frames->at - frames->from > HTTP_CHUNK_LARGE || (frames->at >= length && frames->from < frames->at)) {
		tell_range(&entry->http, &segment, frames, 0);
		return 1;
	}
	if (frames->at >= length)
		return 0;
	if (!frames->left) {
		read_frame_head(&segment, frames);
		return 1;
	}
	passed = length - frames->at;
	if (passed > frames->left)
		passed = frames->left;
	frames->left -= passed;
	if (frames->is_data)
		tell_range(&entry->http, &segment, frames, passed);
	frames->at += passed;
	return 1;
}

static __always_inline void tell_frames(struct http_conn *http, const struct http_segment *segment,
					struct tls_frames *frames, __u64 object)
{
	frames->from = frames->at = 0;
#pragma clang loop unroll(disable)
	for (int step = 0; step < TLS_STEPS; step++) {
		if (!tls_next_frame(object, (__u64)segment->user, segment->length, segment->written))
			break;
	}
	/* So many frames at once are rare: user space finds a hole. */
	if (frames->from < segment->length)
		frames->is_lost = true;
	http->next[segment->written] = segment->seq + segment->length;
}
