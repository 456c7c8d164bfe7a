// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * httpflow: the exchanges of HTTP connections, one record each.
 *
 * Every packet of a socket in scope passes here with its payload, whichever way the process wrote or read it. The
 * connections are those that netflow notes (`conns`); what is not there is not observed. Bytes count when they are
 * first sent or have come in.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "skep/compat.bpf.h"
#include "skep/record.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "skep/scope.bpf.h"
#include "netflow.h"
#include "http.h"
#include "address.bpf.h"
#include "conns.bpf.h"
#include "socket.bpf.h"
#include "http_follow.bpf.h"
#include "http_stream.bpf.h"
#include "packet.bpf.h"
#include "http_open.bpf.h"
#include "http_early.bpf.h"
#include "http_close.bpf.h"

/* False when the packet is not TCP or carries nothing. */
static __always_inline bool read_packet(struct __sk_buff *skb, bool written, struct http_segment *segment)
{
	struct skep_tcp_payload payload;

	if (!skep_tcp_payload_of(skb, &payload))
		return false;
	segment->skb = skb;
	segment->written = written;
	segment->at = payload.at;
	segment->length = payload.length;
	segment->seq = payload.seq;
	segment->ack = payload.ack;
	return true;
}

/*
 * A socket that a process has locked is worked on by that process and nobody else: it is the current one. (Programs of this
 * kind may ask for the current process since 5.16 or so; the kfunc is of 6.2 and easily asked about.)
 */
static __always_inline void name_writer(struct conn *conn, struct sock *sk)
{
	if (conn->certainty <= OWNER_LISTENER && bpf_ksym_exists(bpf_rdonly_cast) && sk->sk_lock.owned)
		own_by_user(conn);
}

/*
 * Makes an entry for a connection that has none, if it is HTTP: this is the first segment of it that is seen, or the next
 * try after some in vain.
 */
static __always_inline bool meet(__u64 key, struct conn *conn, struct tcp_sock *tp,
					       const struct http_segment *segment)
{
	bool is_midway = (conn->flags & CONN_OLDER) || conn->http != HTTP_UNSEEN;

	/* Something has passed that was not seen here. Of a segment that is written the socket knows already. */
	if (!is_midway && (tp->bytes_received || (!segment->written && tp->data_segs_out))) {
		if (take_early(key, conn, tp)) {
			conn->http = HTTP_FOUND;
			return true;
		}
		if (is_response(segment))
			skep_count(SKEP_UNREADABLE);
		is_midway = true;
	}
	return open_http(key, conn, tp, segment, is_midway);
}

static __always_inline void on_packet(struct __sk_buff *skb, bool written)
{
	struct http_segment segment = {};
	enum http_obeyed how = HTTP_RESUMED;
	struct bpf_sock *packet_sk;
	struct http_entry *entry;
	struct http_conn *http;
	struct tcp_sock *tp;
	struct conn *conn;
	__u64 key;

	if (!read_packet(skb, written, &segment))
		return;
	packet_sk = skb->sk;
	tp = packet_sk ? bpf_skc_to_tcp_sock(packet_sk) : NULL;
	if (!tp)
		return;
	key = (__u64)tp;
	conn = bpf_map_lookup_elem(&conns, &key);
	if (conn && (conn->http == HTTP_NOT || !(conn->flags & (CONN_ESTABLISHED | CONN_OLDER))))
		return;
	/* A socket has looked at the clock just before it sends; what it saw costs nothing. */
	segment.now_ns = written ? tp->tcp_clock_cache : bpf_ktime_get_ns();
	if (!conn) {
		if (!written)
			note_early(skb, (struct sock *)tp, &segment);
		return;
	}
	if (conn->http != HTTP_FOUND && !meet(key, conn, tp, &segment))
		return;
	/* Looked up in one place for all: the verifier follows each pointer through all that comes after. */
	entry = bpf_map_lookup_elem(&http_conns, &key);
	if (!entry) {
		conn->http = 1;
		return;
	}
	if (written)
		name_writer(conn, (struct sock *)tp);
	http = &entry->http;
	segment.length = forget(http, written, segment.length);
	name_http_owner(http, conn);
	if (http->mode == HTTP_STREAMED)
		how = http_obey(http, http_lock_of(entry), &segment);
	if (how == HTTP_RESUMED) {
		enum http_followed followed = http_follow(http, http_lock_of(entry), &segment);

		if (followed == HTTP_TAKEN)
			return;
		if (followed == HTTP_REFUSED) {
			refuse_http(key, conn, http);
			return;
		}
		if (followed == HTTP_LOST) {
			conn->http = 1;
			bpf_map_delete_elem(&http_conns, &key);
			return;
		}
		how = HTTP_TELL_BYTES;
	}
	if (how == HTTP_IGNORED) {
		conn->http = HTTP_NOT;
		bpf_map_delete_elem(&http_conns, &key);
		return;
	}
	http_stream(http, &segment, how);
}

SEC("cgroup_skb/egress")
int http_egress(struct __sk_buff *skb)
{
	on_packet(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int http_ingress(struct __sk_buff *skb)
{
	on_packet(skb, false);
	return 1;
}

/*
 * The last we hear of a socket. The kernel leaves the program out when it interrupts itself on a CPU (see tcp.bpf.h); such
 * an end is told at the next flush.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(http_close, struct sock *sk)
{
	on_close((__u64)sk);
	return 0;
}

SEC("iter/bpf_map_elem")
int http_harvest(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *key = ctx->key;

	if (key)
		harvest_http(ctx->meta->seq, *key);
	return 0;
}

SKEP_RECORD(http_event);
SKEP_RECORD(http_exchange);
SKEP_RECORD(http_chunk);
SKEP_RECORD(http_order);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
