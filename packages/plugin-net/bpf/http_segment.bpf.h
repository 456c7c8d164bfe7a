/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A piece of one direction of a connection, wherever its bytes are. What follows connections sees nothing else. */
#pragma once

struct http_segment {
	/* Where the bytes are: in a packet, or in the memory of the current process. Which one is a constant of the caller's. */
	struct __sk_buff *skb;
	const void *user;
	bool in_user;
	/* Written by the local end. */
	bool written;
	/* Offset of the first byte in the packet. */
	__u32 at;
	__u32 length;
	/* Number of the first byte in its direction, and of the next byte the sender expects from the other one. */
	__u32 seq;
	__u32 ack;
	__u64 now_ns;
};

static __always_inline long http_load(const struct http_segment *segment, __u32 at, void *to, __u32 size)
{
	if (segment->in_user)
		return bpf_probe_read_user(to, size, segment->user + at);
	return bpf_skb_load_bytes(segment->skb, segment->at + at, to, size);
}

/*
 * 1 to @room bytes. Said so that every verifier sees it: before 6.8 or so it learns nothing from "not 0", and the compiler
 * must not put the two comparisons back together.
 */
static __always_inline long http_load_most(const struct http_segment *segment, __u32 at, void *to, __u32 size, const __u32 room)
{
	__u32 last = size - 1;

	asm volatile("" : "+r"(last));
	if (last >= room)
		return -22; /* EINVAL */
	return http_load(segment, at, to, last + 1);
}

