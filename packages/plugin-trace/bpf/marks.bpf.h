/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Who moves bytes between a process and a connection, in the context of that process. */
#pragma once

#include "connections.bpf.h"
#include "go.bpf.h"

static __always_inline bool is_denied(__u32 tgid)
{
	return bpf_map_lookup_elem(&trace_denied, &tgid) != NULL;
}

/* A process in scope moves bytes of a connection of which no packet was seen: its first bytes wait in the socket. */
static __always_inline struct trace_conn *meet_by_process(struct sock *sk, struct tcp_sock *tp, __u32 from, const bool sent,
							  const bool direct)
{
	struct trace_open open = {};

	if (!skep_current_in_scope(netns_of(sk, direct)))
		return NULL;
	if (SOCKET(direct, tp, bytes_received) || SOCKET(direct, tp, data_segs_out))
		open.event.flags = TRACE_MIDWAY;
	open.read_seq = SOCKET(direct, tp, rcv_nxt);
	open.written_seq = sent ? from : SOCKET(direct, tp, write_seq);
	return open_conn(sk, &open, SOCKET(direct, tp, copied_seq) - !sent, sent ? from : SOCKET(direct, tp, write_seq), direct);
}

static __always_inline void tell_mark(struct trace_conn *conn, struct trace_mark *mark)
{
	mark->event.conn = conn->id;
	mark->event.time_ns = bpf_ktime_get_ns();
	mark->event.kind = TRACE_MARK;
	mark->event.netns = conn->netns;
	bpf_get_current_comm(mark->comm, sizeof(mark->comm));
	if (bpf_ringbuf_output(&trace_events, mark, sizeof(*mark), 0))
		skep_count(SKEP_RING_FULL);
}

/* The current thread moves bytes. */
struct move {
	__u32 from;
	__u32 to;
	/* Two threads that write at once blur each other's numbers: what does not join what was moved before is unsure. */
	bool must_join;
};

static __always_inline void mark_move(struct sock *sk, struct tcp_sock *tp, const struct move *move, const bool sent,
				      const bool direct)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct trace_mark mark = { .from = move->from, .tgid = pid_tgid >> 32, .tid = (__u32)pid_tgid };
	struct trace_conn *conn = find_conn(sk, direct);

	if (is_denied(mark.tgid)) {
		if (conn)
			conn->is_ignored = true;
		return;
	}
	if (!conn)
		conn = meet_by_process(sk, tp, move->from, sent, direct);
	if (!conn || conn->is_ignored)
		return;
	if (!sent)
		mark.from = conn->moved[0];
	/* The twin was here, or bytes were only looked at. */
	if (conn->moved[sent] == move->to && (!sent || conn->tid[1] == mark.tid))
		return;
	if (move->must_join && conn->moved[sent] != mark.from)
		mark.event.flags = TRACE_UNSURE;
	mark.goroutine = skep_goroutine(mark.tgid);
	conn->moved[sent] = move->to;
	/* A goroutine that reads for others hands each request on before it reads the next: there, each time matters. */
	if (conn->is_marked[sent] && conn->tid[sent] == mark.tid && !conn->goroutine[sent] && !mark.goroutine && !mark.event.flags)
		return;
	conn->tid[sent] = mark.tid;
	conn->goroutine[sent] = mark.goroutine;
	conn->is_marked[sent] = true;
	conn->is_marked[!sent] = false;
	mark.event.flags |= sent ? TRACE_WRITTEN : 0;
	mark.read_to = conn->moved[0];
	mark.written_to = conn->moved[1];
	tell_mark(conn, &mark);
}

static __always_inline struct tcp_sock *tcp_of(struct sock *sk, const bool direct)
{
	if (direct)
		return bpf_skc_to_tcp_sock(sk);
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP ? (struct tcp_sock *)sk : NULL;
}

/* @bytes were sent, and the socket is not locked any more. */
static __always_inline void mark_sent(struct sock *sk, int bytes)
{
	struct tcp_sock *tp = bytes > 0 ? tcp_of(sk, true) : NULL;
	struct move move = { .must_join = true };

	if (!tp)
		return;
	move.to = tp->write_seq;
	move.from = move.to - bytes;
	mark_move(sk, tp, &move, true, true);
}

/* Somebody is about to send at most @bytes. */
static __always_inline void mark_sending(struct sock *sk, __u32 bytes)
{
	struct tcp_sock *tp = bytes ? tcp_of(sk, false) : NULL;
	struct move move = {};

	if (!tp)
		return;
	move.from = BPF_CORE_READ(tp, write_seq);
	move.to = move.from + bytes;
	mark_move(sk, tp, &move, true, false);
}

/* The socket is locked, and its count of bytes that were read is current. */
static __always_inline void mark_received(struct sock *sk)
{
	struct tcp_sock *tp = tcp_of(sk, true);
	struct move move = {};

	if (!tp)
		return;
	move.from = move.to = tp->copied_seq;
	mark_move(sk, tp, &move, false, true);
}
