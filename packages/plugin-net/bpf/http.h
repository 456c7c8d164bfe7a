/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the HTTP programs and user space tell each other. src is always the local end, dst the peer; IPv4 addresses are
 * v4-mapped; addresses in network byte order, ports in host byte order; times in ns of bpf_ktime_get_ns().
 *
 * The kernel follows a connection by itself while it is plain: one request at a time, its head in view, its body framed by
 * Content-Length or absent. Then an exchange is one record. Whatever is not plain (pipelining, chunked requests, interim
 * responses, upgrades, HTTP/2, a head it cannot see whole) it hands over: from an HTTP_STREAM record on user space gets the
 * connection's bytes and parses them, until it hands the connection back.
 */
#pragma once

#include "skep/task.bpf.h"

enum http_event_kind {
	/* struct http_exchange: an exchange is over; or, from an iterator, stands so far and goes on. */
	HTTP_EXCHANGE = 1,
	/* struct http_exchange: the bytes of the connection follow as chunks. What was pending stands in the record. */
	HTTP_STREAM = 2,
	/* struct http_chunk: bytes of a connection that is streamed. */
	HTTP_CHUNK = 3,
	/* struct http_event: a streamed connection is closed. */
	HTTP_END = 4,
};

enum http_flag {
	/* The peer sent the request, we serve. Otherwise the request went out. */
	HTTP_INCOMING = 1,
	/* Of a chunk: written by the local end (egress). Otherwise read (ingress). */
	HTTP_WRITTEN = 2,
	/* The connection's bytes are those inside TLS; sequence numbers count plaintext from 0. */
	HTTP_TLS = 4,
	/* `status` is the response's. Without it the connection ended, or was handed over, before a response. */
	HTTP_RESPONDED = 8,
	/* Of an exchange: it was over and told as such, then more of it came. The record counts what has come since. */
	HTTP_CONTINUED = 16,
	/* The connection is closed; no record of it follows. */
	HTTP_LAST = 32,
	/* Nobody has accepted the connection yet as far as is known: tgid and comm are the listener's (see CONN_OWNER_ASSUMED). */
	HTTP_OWNER_ASSUMED = 64,
	/* `line` holds the beginning of the request line only. */
	HTTP_LINE_CUT = 128,
	/* Of HTTP_STREAM: the connection began with the preface of HTTP/2. */
	HTTP_PREFACE = 256,
	/* Of HTTP_STREAM: a response is under way and where it ends is not known (chunked, or until close). */
	HTTP_UNFRAMED = 512,
	/* Of HTTP_STREAM: the connection is older than the agent, so its first bytes may be from the middle of a message. */
	HTTP_MIDWAY = 1024,
};

/* Head of every record. */
struct http_event {
	/* The connection's id, as in conn_record. */
	__u64 conn;
	/* Of an exchange: its first byte. Of a chunk: when its bytes passed. */
	__u64 time_ns;
	__u16 kind;
	__u16 flags;
	/* Of an exchange: its number on the connection. Records with the same number count from the same beginning. */
	__u32 number;
};

/* Bytes of a request line kept with an exchange; longer lines are told in the record's long form. */
#define HTTP_LINE_SHORT 112
#define HTTP_LINE_LONG 1008

/* The record is this struct followed by HTTP_LINE_SHORT or HTTP_LINE_LONG bytes: the request line, as much as there is. */
struct http_exchange {
	struct http_event event;
	/*
	 * Of heads and bodies as they passed the socket (under HTTP_TLS: as plaintext), from the exchange's beginning: what an
	 * earlier record of it told is user space's to subtract, so that reading it needs no lock and changes nothing.
	 */
	__u64 request_bytes;
	__u64 response_bytes;
	/* From the last byte of the request before the response to the first byte of the response. 0 without response. */
	__u64 latency_ns;
	/* From the first byte of the request to the last byte of the exchange so far. */
	__u64 duration_ns;
	/* Of HTTP_STREAM: bytes of the pending request's and response's bodies still to come. */
	__u64 request_left;
	__u64 response_left;
	/* Of HTTP_STREAM: sequence numbers of the next byte read and written. */
	__u32 read_seq;
	__u32 written_seq;
	__u32 tgid;
	__u32 netns;
	__u8 src_addr[16];
	__u8 dst_addr[16];
	__u16 src_port;
	__u16 dst_port;
	__u16 status;
	/* Bytes of `line` that are set, without the line's end; 0 when no exchange is pending. */
	__u16 line_len;
	char comm[COMM_LEN];
};

#define HTTP_CHUNK_SMALL 448
#define HTTP_CHUNK_LARGE 4032

/* The record is this struct followed by 0, HTTP_CHUNK_SMALL or HTTP_CHUNK_LARGE bytes, of which `captured` are set. */
struct http_chunk {
	struct http_event event;
	/* Sequence number of the first byte. The same bytes may come twice and out of order, as TCP brings them. */
	__u32 seq;
	/* Bytes this chunk stands for; the first `captured` of them are here. */
	__u32 length;
	__u32 captured;
	/* Whose connection it is, as far as is known by now: it may have been accepted since its last record. */
	__u32 tgid;
};

enum http_order_kind {
	/* Not HTTP: stream it no longer, look at it no more. */
	HTTP_IGNORE = 1,
	/* Between two exchanges when the next bytes are `read_seq` and `written_seq`: follow it in the kernel again from there. */
	HTTP_RESUME = 2,
	/* Of what is read before `read_seq` and written before `written_seq` only the length is wanted. */
	HTTP_SKIP = 3,
};

/* User space -> kernel, in map http_orders, by connection id. The latest order holds. */
struct http_order {
	__u32 kind;
	__u32 read_seq;
	__u32 written_seq;
};
