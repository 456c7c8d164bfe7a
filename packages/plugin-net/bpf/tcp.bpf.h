/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#pragma once

#include "conns.bpf.h"
#include "socket.bpf.h"

/* Who listens on a port: names connections nobody has accepted, and scopes those of older kernels. */
struct listener_key {
	__u32 netns;
	__u32 port;
};

struct listener {
	/* The last socket to listen there; ports may be shared (SO_REUSEPORT, v4 beside v6). */
	__u64 socket;
	__u32 tgid;
	__u32 in_scope;
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners SEC(".maps");

/*
 * Connections the peer has ended while a process holds the socket: it may still read what has arrived. Counters and
 * addresses as they were at the change to CLOSE, because disconnecting wipes them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct conn_record);
} closing SEC(".maps");

/* Last records of closed connections. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} closed SEC(".maps");

/* How many connections were noted with an assumed owner: user space names them only when there are new ones. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} assumed SEC(".maps");

/*
 * An id for a connection that tells no address: 52 random bits, so exact in a JavaScript number; among 131,072 connections
 * two are alike twice in a million. A counter would need a fetching atomic (5.12+), or programs that are never interrupted
 * by each other, and they are.
 */
static __always_inline __u64 conn_id(void)
{
	return (__u64)(bpf_get_prandom_u32() & 0xfffff) << 32 | bpf_get_prandom_u32();
}

static __always_inline void count_assumed(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&assumed, &zero);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline bool read_tuple(struct tcp_sock *tp, struct conn_record *record, const bool direct)
{
	struct sock *sk = (struct sock *)tp;

	if (!read_addresses(sk, record->src_addr, record->dst_addr, direct))
		return false;
	record->src_port = local_port(tp, direct);
	record->dst_port = peer_port(sk, direct);
	return true;
}

/* Connections configuration hides. Known only once both addresses are. */
static __always_inline bool is_hidden(const struct conn_record *record)
{
	if (skip_loopback && (is_loopback(record->src_addr) || is_loopback(record->dst_addr)))
		return true;
	return skip_ipv6 && !(is_mapped_v4(record->src_addr) && is_mapped_v4(record->dst_addr));
}

/* @state: the one whose FIN counts; at the transition to CLOSE that is the state before. */
static __always_inline void read_counters(struct tcp_sock *tp, const struct conn *conn, int state,
					  struct conn_record *record, const bool direct)
{
	unsigned long flags = SK(direct, (struct sock *)tp, __sk_common.skc_flags);
	__u32 srtt = SK(direct, tp, srtt_us), mdev = SK(direct, tp, mdev_us);

	record->bytes_written = tcp_bytes_written(SK(direct, tp, bytes_acked), SK(direct, tp, write_seq),
						  SK(direct, tp, snd_una), conn->sent_syn, tcp_state_sent_fin(state));
	record->bytes_read = tcp_bytes_read(SK(direct, tp, bytes_received), SK(direct, tp, rcv_nxt),
					    SK(direct, tp, copied_seq), flags & 1 << SOCK_DONE_BIT);
	record->retransmits = SK(direct, tp, total_retrans);
	/* srtt_us is kept times eight, mdev_us times four. */
	record->rtt_us = srtt >> 3;
	record->rtt_var_us = mdev >> 2;
	if (flags & 1 << SOCK_DEAD_BIT)
		record->flags |= CONN_ORPHAN;
}

static __always_inline void fill_record(struct tcp_sock *tp, const struct conn *conn, int state,
					struct conn_record *record, const bool direct)
{
	record->id = conn->id;
	record->tgid = conn->tgid;
	record->direction = conn->direction;
	record->flags = conn->flags;
	record->state = state;
	if (conn->certainty <= OWNER_LISTENER)
		record->flags |= CONN_OWNER_ASSUMED;
	__builtin_memcpy(record->comm, conn->comm, COMM_LEN);
	record->netns = netns_of((struct sock *)tp, direct);
	read_counters(tp, conn, state, record, direct);
	record->bytes_read = record->bytes_read > conn->base_read ? record->bytes_read - conn->base_read : 0;
	record->bytes_written = record->bytes_written > conn->base_written ? record->bytes_written - conn->base_written : 0;
	record->retransmits -= conn->base_retransmits;
}

static __always_inline void note_conn(__u64 socket, struct conn *conn)
{
	conn->id = conn_id();
	if (skep_not_stored(bpf_map_update_elem(&conns, &socket, conn, BPF_NOEXIST)))
		skep_count(SKEP_MAP_FULL);
}

static __always_inline void note_outgoing(struct sock *sk)
{
	struct skep_process process = {};
	struct conn conn = {};

	if (!skep_current_in_scope(netns_of(sk, true)))
		return;
	skep_current_process(&process);
	own(&conn, &process, OWNER_OPENER);
	conn.direction = DIRECTION_OUTGOING;
	conn.sent_syn = 1;
	conn.state = TCP_SYN_SENT;
	note_conn((__u64)sk, &conn);
}

static __always_inline void note_listener(__u64 socket, __u32 netns, __u16 port, const struct skep_process *process,
					  bool in_scope)
{
	struct listener_key key = { .netns = netns, .port = port };
	struct listener listener = { .socket = socket, .tgid = process->tgid, .in_scope = in_scope };

	__builtin_memcpy(listener.comm, process->comm, COMM_LEN);
	bpf_map_update_elem(&listeners, &key, &listener, BPF_ANY);
}

static __always_inline void forget_listener(struct sock *sk)
{
	struct listener_key key = { .netns = netns_of(sk, true), .port = sk->__sk_common.skc_num };
	struct listener *listener = bpf_map_lookup_elem(&listeners, &key);

	if (listener && listener->socket == (__u64)sk)
		bpf_map_delete_elem(&listeners, &key);
}

/*
 * Whether an incoming connection is in scope can be told without knowing who accepts it. A probe read cannot follow the
 * socket's cgroup here: not @direct says no more often.
 */
static __always_inline bool in_scope_unaccepted(struct sock *sk, __u32 netns, const struct listener *listener,
						const bool direct)
{
	return (listener && listener->in_scope) || !skep_scope_mask || (direct && skep_socket_in_scope(sk, netns));
}

/*
 * The handshake of an accepted connection ends, in softirq. Its counters began at zero, so where accept is hooked a
 * connection whose scope cannot be told yet is left to accept and nothing is missed.
 */
static __always_inline void note_incoming(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u32 netns = netns_of(sk, true);
	struct listener_key key = { .netns = netns, .port = sk->__sk_common.skc_num };
	struct listener *listener = bpf_map_lookup_elem(&listeners, &key);
	struct conn_record tuple = {};
	struct conn conn = {};

	if (!in_scope_unaccepted(sk, netns, listener, true))
		return;
	if (!tp || !read_tuple(tp, &tuple, true) || is_hidden(&tuple))
		return;
	conn.direction = DIRECTION_INCOMING;
	conn.flags = CONN_ESTABLISHED;
	conn.state = TCP_ESTABLISHED;
	conn.src_port = tuple.src_port;
	conn.established_ns = bpf_ktime_get_ns();
	if (listener) {
		conn.tgid = listener->tgid;
		__builtin_memcpy(conn.comm, listener->comm, COMM_LEN);
		conn.certainty = OWNER_LISTENER;
	}
	note_conn((__u64)sk, &conn);
	count_assumed();
}

static __always_inline void note_established(struct sock *sk, struct conn *conn)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn_record tuple = {};

	if (!tp || !read_tuple(tp, &tuple, true) || is_hidden(&tuple)) {
		__u64 key = (__u64)sk;

		bpf_map_delete_elem(&conns, &key);
		return;
	}
	conn->flags |= CONN_ESTABLISHED;
	conn->src_port = tuple.src_port;
	conn->established_ns = bpf_ktime_get_ns();
}

static __always_inline void emit_last(const struct conn_record *last)
{
	struct conn_record *record = bpf_ringbuf_reserve(&closed, sizeof(*record), 0);

	if (!record) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	*record = *last;
	record->flags |= CONN_CLOSED;
	/* The default wakes user space only if it had read everything before, so at most once a drain. */
	bpf_ringbuf_submit(record, 0);
}

/* Whatever is read after the change to CLOSE counts too; all else stands still. */
static __always_inline void add_late_reads(struct conn_record *record, struct tcp_sock *tp, const struct conn *conn,
					   const bool direct)
{
	unsigned long flags = SK(direct, (struct sock *)tp, __sk_common.skc_flags);
	__u64 bytes_read = tcp_bytes_read(SK(direct, tp, bytes_received), SK(direct, tp, rcv_nxt),
					  SK(direct, tp, copied_seq), flags & 1 << SOCK_DONE_BIT);

	bytes_read = bytes_read > conn->base_read ? bytes_read - conn->base_read : 0;
	if (bytes_read > record->bytes_read)
		record->bytes_read = bytes_read;
}

static __always_inline void name_owner(struct conn_record *record, const struct conn *conn)
{
	record->tgid = conn->tgid;
	__builtin_memcpy(record->comm, conn->comm, COMM_LEN);
	if (conn->certainty > OWNER_LISTENER)
		record->flags &= ~CONN_OWNER_ASSUMED;
}

/* The connection is over for TCP. It is over for us when no process has it any more: now, or at tcp_destroy. */
static __always_inline void note_end(struct sock *sk, struct conn *conn, int oldstate)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn_record record = {};
	__u64 key = (__u64)sk;
	bool was_open = conn->flags & (CONN_ESTABLISHED | CONN_OLDER);

	if (tp) {
		read_tuple(tp, &record, true);
		fill_record(tp, conn, oldstate, &record, true);
		if (was_open && !(record.flags & CONN_ORPHAN)) {
			conn->is_closing = 1;
			if (!bpf_map_update_elem(&closing, &key, &record, BPF_ANY))
				return;
		}
		/* A connection that never was and was never retried: nothing to tell. */
		if (was_open || record.retransmits)
			emit_last(&record);
	} else {
		skep_count(SKEP_UNREADABLE);
	}
	bpf_map_delete_elem(&conns, &key);
}

/* A socket is given back or used again. Its change to CLOSE may have been missed: then what it is now is its last record. */
static __always_inline void tell_closing(struct sock *sk, struct conn *conn)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u64 key = (__u64)sk;
	struct conn_record *record = bpf_map_lookup_elem(&closing, &key);

	if (record) {
		own_by_user(conn);
		name_owner(record, conn);
		if (tp)
			add_late_reads(record, tp, conn, true);
		emit_last(record);
		bpf_map_delete_elem(&closing, &key);
	} else if (tp && (conn->flags & (CONN_ESTABLISHED | CONN_OLDER))) {
		struct conn_record last = {};

		read_tuple(tp, &last, true);
		fill_record(tp, conn, conn->state, &last, true);
		emit_last(&last);
	}
	bpf_map_delete_elem(&conns, &key);
}

/* The change of state that was seen last on this CPU: its twin need not look at it again. */
struct change {
	__u64 socket;
	__u32 oldstate;
	__u32 newstate;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct change);
} last_change SEC(".maps");

static __always_inline bool is_twin_of_last(struct sock *sk, __u32 oldstate, __u32 newstate)
{
	__u32 zero = 0;
	struct change *last = bpf_map_lookup_elem(&last_change, &zero);

	if (!last)
		return false;
	if (last->socket == (__u64)sk && last->oldstate == oldstate && last->newstate == newstate) {
		last->socket = 0;
		return true;
	}
	last->socket = (__u64)sk;
	last->oldstate = oldstate;
	last->newstate = newstate;
	return false;
}

static __always_inline void on_state(struct sock *sk, int oldstate, int newstate)
{
	__u64 key = (__u64)sk;
	struct conn *conn;

	if (sk->sk_protocol != IPPROTO_TCP || is_twin_of_last(sk, oldstate, newstate))
		return;
	if (newstate == TCP_LISTEN) {
		struct skep_process process = {};

		skep_current_process(&process);
		note_listener(key, netns_of(sk, true), sk->__sk_common.skc_num, &process,
			      skep_current_in_scope(netns_of(sk, true)));
		return;
	}
	if (oldstate == TCP_LISTEN) {
		if (newstate == TCP_CLOSE)
			forget_listener(sk);
		return;
	}
	conn = bpf_map_lookup_elem(&conns, &key);
	if (conn && conn->state == newstate)
		return;
	if (newstate == TCP_SYN_SENT) {
		if (conn)
			tell_closing(sk, conn);
		note_outgoing(sk);
		return;
	}
	if (oldstate == TCP_SYN_RECV && newstate != TCP_CLOSE && !conn) {
		note_incoming(sk);
		return;
	}
	if (!conn)
		return;
	conn->state = newstate;
	if (newstate == TCP_ESTABLISHED) {
		note_established(sk, conn);
	} else if (newstate == TCP_FIN_WAIT1 || newstate == TCP_LAST_ACK) {
		/* Only close(2), shutdown(2) and exit lead here, all in their process. */
		own_by_user(conn);
	} else if (newstate == TCP_CLOSE) {
		/* close(2) with data unread or SO_LINGER 0; a reset from outside arrives before both ends are shut down. */
		if (sk->sk_shutdown == SHUTDOWN_MASK && (oldstate == TCP_ESTABLISHED || oldstate == TCP_CLOSE_WAIT))
			own_by_user(conn);
		note_end(sk, conn, oldstate);
	}
}

static __always_inline void on_destroy(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (conn)
		tell_closing(sk, conn);
}

/*
 * Every change of state of every TCP socket: a handful a connection, none per message.
 *
 * Each program stands twice. The kernel does not run a tracing program that is running on this CPU already, and counts a
 * `recursion_miss` instead (since 6.1, 05b24ff9b2cf): when a softirq, or since 7.0 another thread, interrupts it with an
 * event of another socket, that event would be lost. Its twin is idle then. Most of the time the twin finds that all is
 * done and leaves.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int oldstate, int newstate)
{
	on_state(sk, oldstate, newstate);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state2, struct sock *sk, int oldstate, int newstate)
{
	on_state(sk, oldstate, newstate);
	return 0;
}

/* The last we hear of a socket: in close(2) when TCP was done with it before. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	on_destroy(sk);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy2, struct sock *sk)
{
	on_destroy(sk);
	return 0;
}

/* A process accepted @sk. */
static __always_inline void note_accept(struct sock *sk, const bool direct)
{
	struct tcp_sock *tp;
	__u64 key = (__u64)sk;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);
	struct listener_key listener = {};
	struct skep_process process = {};
	struct conn_record tuple = {};
	struct conn fresh = {};

	if (SK(direct, sk, sk_protocol) != IPPROTO_TCP)
		return;
	if (conn) {
		skep_current_process(&process);
		own(conn, &process, OWNER_OPENER);
		return;
	}
	/* Left to us by note_incoming? Else it is hidden, was lost for want of room, or is over already. */
	listener.netns = netns_of(sk, direct);
	listener.port = SK(direct, sk, __sk_common.skc_num);
	if (SK(direct, sk, __sk_common.skc_state) == TCP_CLOSE || !skep_current_in_scope(listener.netns) ||
	    in_scope_unaccepted(sk, listener.netns, bpf_map_lookup_elem(&listeners, &listener), direct))
		return;
	tp = direct ? bpf_skc_to_tcp_sock(sk) : (struct tcp_sock *)sk;
	if (!tp || !read_tuple(tp, &tuple, direct) || is_hidden(&tuple))
		return;
	skep_current_process(&process);
	own(&fresh, &process, OWNER_OPENER);
	fresh.direction = DIRECTION_INCOMING;
	fresh.flags = CONN_ESTABLISHED;
	fresh.src_port = tuple.src_port;
	fresh.established_ns = bpf_ktime_get_ns();
	note_conn(key, &fresh);
}

/*
 * inet_accept serves IPv4 and IPv6. The number of its arguments changed in 6.10 (92ef0fd55ac8), the first two did not,
 * and the accepted socket is in the second, so the result need not be read.
 */
SEC("fexit/inet_accept")
int BPF_PROG(accept_fexit, struct socket *listener, struct socket *accepted)
{
	struct sock *sk = accepted->sk;

	if (sk)
		note_accept(sk, true);
	return 0;
}

/* Where there is no fentry (arm64 before 6.x). May be missed when many threads block in accept. */
SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(accept_kret, struct sock *sk)
{
	if (sk)
		note_accept(sk, false);
	return 0;
}

static __always_inline void harvest(struct seq_file *out, __u64 socket, struct tcp_sock *tp, const struct conn *conn,
				    const bool direct)
{
	struct conn_record record = {};
	int state = SK(direct, (struct sock *)tp, __sk_common.skc_state);

	if (conn->is_closing) {
		struct conn_record *last = bpf_map_lookup_elem(&closing, &socket);

		if (!last)
			return;
		record = *last;
		record.flags |= CONN_ORPHAN;
		name_owner(&record, conn);
		add_late_reads(&record, tp, conn, direct);
	} else {
		bool was_open = conn->flags & (CONN_ESTABLISHED | CONN_OLDER);

		/* Not yet open: nothing to tell. */
		if (!was_open && state == TCP_SYN_SENT)
			return;
		/* Its end was missed, and another socket has its memory. */
		if (was_open && (!read_tuple(tp, &record, direct) || record.src_port != conn->src_port)) {
			skep_count(SKEP_UNREADABLE);
			bpf_map_delete_elem(&conns, &socket);
			return;
		}
		/*
		 * We are told before a socket goes to CLOSE, so the end of this one was missed too, but what it counted still
		 * stands in its memory.
		 */
		if (state == TCP_CLOSE) {
			fill_record(tp, conn, conn->state, &record, direct);
			record.flags |= CONN_CLOSED;
			/* What does not fit into this read is shown again in the next, if it is still there. */
			if (!was_open || !bpf_seq_write(out, &record, sizeof(record)))
				bpf_map_delete_elem(&conns, &socket);
			return;
		}
		fill_record(tp, conn, state, &record, direct);
	}
	bpf_seq_write(out, &record, sizeof(record));
}

/*
 * One pass over our own map sees every network namespace. An element is deleted before its socket is freed, and the
 * sockets of TCP keep their type while they are reused, so a stale reading is only a reading of another connection's
 * numbers: the state CLOSE and the missing element tell user space to drop it.
 */
SEC("iter/bpf_map_elem")
int harvest_cast(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *socket = ctx->key;
	struct conn *conn = ctx->value;

	/* bpf_rdonly_cast is a kfunc of 6.2 (a35b9af4ec2c). */
	if (socket && conn && bpf_ksym_exists(bpf_rdonly_cast))
		harvest(ctx->meta->seq, *socket,
			bpf_rdonly_cast((void *)*socket, bpf_core_type_id_kernel(struct tcp_sock)), conn, true);
	return 0;
}

SEC("iter/bpf_map_elem")
int harvest_probe(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *socket = ctx->key;
	struct conn *conn = ctx->value;

	if (socket && conn)
		harvest(ctx->meta->seq, *socket, (struct tcp_sock *)*socket, conn, false);
	return 0;
}

/* Notes a socket that a process holds: connections and listeners from before our time. */
static __always_inline void seed(struct seq_file *out, struct task_struct *task, struct sock *sk, const bool direct)
{
	struct tcp_sock *tp = direct ? bpf_skc_to_tcp_sock(sk) : (struct tcp_sock *)sk;
	struct skep_process process = {};
	struct conn_record record = {};
	struct conn conn = {};
	__u64 key = (__u64)sk;
	__u32 netns;
	int state;

	if (!tp)
		return;
	state = SK(direct, sk, __sk_common.skc_state);
	netns = netns_of(sk, direct);
	skep_process_of(task, &process);
	if (state == TCP_LISTEN) {
		struct listener_record listener = { .netns = netns, .port = SK(direct, sk, __sk_common.skc_num) };

		note_listener((__u64)sk, netns, listener.port, &process, skep_task_in_scope(task, netns));
		bpf_seq_write(out, &listener, sizeof(listener));
		return;
	}
	if (state == TCP_CLOSE || !skep_task_in_scope(task, netns))
		return;
	if (!read_tuple(tp, &record, direct) || is_hidden(&record))
		return;
	own(&conn, &process, OWNER_HOLDER);
	conn.flags = CONN_OLDER;
	conn.state = state;
	conn.src_port = record.src_port;
	if (state == TCP_SYN_SENT) {
		conn.direction = DIRECTION_OUTGOING;
		conn.sent_syn = 1;
		conn.flags = 0;
	}
	/* A SYN in the count is in the base too. A FIN queued already must be: it stays in the count. */
	read_counters(tp, &conn, state, &record, direct);
	conn.base_read = record.bytes_read;
	conn.base_written = record.bytes_written;
	conn.base_retransmits = record.retransmits;
	note_conn(key, &conn);
}

/* Takes a process that holds a connection for its owner while nothing better is known. */
static __always_inline void own_by_holder(struct task_struct *task, struct sock *sk)
{
	struct conn *conn;
	struct skep_process process = {};
	__u64 key = (__u64)sk;

	conn = bpf_map_lookup_elem(&conns, &key);
	if (!conn || conn->certainty >= OWNER_HOLDER)
		return;
	skep_process_of(task, &process);
	/* Who inherited it is not who accepted it; that one is noted when it closes, or stays assumed. */
	if (process.started_ns <= conn->established_ns)
		own(conn, &process, OWNER_HOLDER);
}

/*
 * A read of an iterator ends when it has output, so a walk that says nothing would hold its reader until every file of
 * every process is visited. Each file says this much.
 */
static __always_inline void tell_progress(struct seq_file *out)
{
	__u64 nothing = 0;

	bpf_seq_write(out, &nothing, sizeof(nothing));
}

/* The internet socket of @protocol behind a file. */
static __always_inline struct sock *socket_of(struct file *file, __u16 protocol)
{
	struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
	struct sock *sk = socket ? socket->sk : NULL;

	if (!sk || sk->sk_protocol != protocol)
		return NULL;
	if (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6)
		return NULL;
	return sk;
}

SEC("iter/task_file")
int seed_tcp(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = socket_of(ctx->file, IPPROTO_TCP);

	if (task && sk)
		seed(ctx->meta->seq, task, sk, true);
	tell_progress(ctx->meta->seq);
	return 0;
}

extern const void socket_file_ops __ksym __weak;

/* Before 5.11 (4f19cab76136) there is no bpf_sock_from_file, but a file of a socket points to it. */
SEC("iter/task_file")
int seed_tcp_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock *sk;
	__u16 family;

	tell_progress(ctx->meta->seq);
	if (!task || !file || (__u64)file->f_op != (__u64)&socket_file_ops)
		return 0;
	sk = BPF_CORE_READ((struct socket *)file->private_data, sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_INET || family == AF_INET6)
		seed(ctx->meta->seq, task, sk, false);
	return 0;
}

SEC("iter/task_file")
int name_holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = socket_of(ctx->file, IPPROTO_TCP);

	if (task && sk)
		own_by_holder(task, sk);
	tell_progress(ctx->meta->seq);
	return 0;
}
