/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What a thread or goroutine is doing in a TLS library, and which socket it uses meanwhile. */
#pragma once

#include "tls_registers.bpf.h"
#include "tls_session.bpf.h"

/* One of the two: goroutines move from thread to thread, even in the middle of a call. */
struct tls_caller {
	/* A thread's id, or the address of a goroutine's `g`, which is no small number. */
	__u64 id;
	__u32 tgid;
	__u32 _pad;
};

enum tls_call_kind {
	TLS_IDLE = 0,
	TLS_READ,
	TLS_WRITE,
	TLS_HANDSHAKE,
};

struct tls_call {
	/* The session of this call or the last one. 0: what it made has been sent. */
	__u64 object;
	__u64 buffer;
	/* Bytes it has moved: once it is over, for those who follow them. */
	__u64 count;
	/* Where the library writes how many bytes it moved; 0: it returns that. */
	__u64 count_at;
	/* The stack pointer at the call: tells this call's return from another's, should one be missed. */
	__u64 stack;
	/* Socket that was received on since the last call; 0: none. */
	__u64 received;
	/* enum tls_call_kind */
	__u32 kind;
	__u32 _pad;
};

/* Of callers that are gone, displaced by and by. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct tls_caller);
	__type(value, struct tls_call);
} tls_calls SEC(".maps");

enum tls_process_kind {
	TLS_BY_THREAD = 1,
	TLS_BY_GOROUTINE = 2,
};

/* Processes that have used TLS: what all others do with sockets is passed over after one lookup. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u32);
} tls_processes SEC(".maps");

static __always_inline struct tls_caller this_thread(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return (struct tls_caller){ .id = (__u32)id, .tgid = id >> 32 };
}

static __always_inline struct tls_call *call_of(const struct tls_caller *caller, __u32 process_kind)
{
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, caller);
	struct tls_call fresh = {};
	__u32 tgid = caller->tgid, kinds = process_kind, *known;

	if (call)
		return call;
	known = bpf_map_lookup_elem(&tls_processes, &tgid);
	if (known)
		kinds |= *known;
	bpf_map_update_elem(&tls_processes, &tgid, &kinds, BPF_ANY);
	bpf_map_update_elem(&tls_calls, caller, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tls_calls, caller);
}

static __always_inline struct tls_session_key session_of(const struct tls_caller *caller, __u64 object)
{
	return (struct tls_session_key){ .object = object, .tgid = caller->tgid };
}

static __always_inline void tls_enter(enum tls_call_kind kind, __u64 object, __u64 buffer, __u64 count_at, __u64 stack)
{
	struct tls_caller caller = this_thread();
	struct tls_call *call = call_of(&caller, TLS_BY_THREAD);
	struct tls_session_key key = session_of(&caller, object);

	if (!call)
		return;
	if (call->received) {
		__u64 socket = call->received;
		struct conn *conn = bpf_map_lookup_elem(&conns, &socket);

		call->received = 0;
		/*
		 * A call to write takes in what was received, too: a handshake's last messages, when a request waits for its end.
		 * Meanwhile the socket may have turned out to be another session's.
		 */
		if (!conn || !conn->is_tls)
			tls_bind(&key, socket, conn, false);
	}
	call->object = object;
	call->buffer = buffer;
	call->count_at = count_at;
	call->stack = stack;
	call->kind = kind;
}

/* The call is over, or was not the one that returns: then it has moved nothing. */
static __always_inline void tls_leave(struct tls_call *call, __u64 stack, int result)
{
	__u32 kind = call->kind;
	__u64 count = 0;

	call->count = 0;
	if (kind == TLS_IDLE || call->stack != stack)
		return;
	call->kind = TLS_IDLE;
	if (kind == TLS_HANDSHAKE || result <= 0)
		return;
	if (!call->count_at)
		count = result;
	else if (bpf_probe_read_user(&count, sizeof(count), (void *)call->count_at))
		skep_count(SKEP_UNREADABLE);
	call->count = count;
}

/*
 * The call in which this thread is: its own, or that of the goroutine it runs. Otherwise, if there is one, its last.
 * A thread is below the stack of a call as long as that has not returned, whether or not we were told.
 */
static __always_inline struct tls_call *call_in_progress(const struct tls_caller *thread, __u32 process_kinds,
							 const struct tls_registers *registers)
{
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, thread);
	struct tls_caller goroutine = *thread;
	struct tls_call *of_goroutine;

	if (call && call->kind != TLS_IDLE && registers->stack >= call->stack)
		call->kind = TLS_IDLE;
	if ((call && call->kind != TLS_IDLE) || !(process_kinds & TLS_BY_GOROUTINE))
		return call;
	goroutine.id = registers->goroutine;
	of_goroutine = bpf_map_lookup_elem(&tls_calls, &goroutine);
	return of_goroutine && of_goroutine->kind != TLS_IDLE ? of_goroutine : call;
}

/* The current thread sends or has received on a socket. @is_twin: it may have been told before. */
static __always_inline void tls_on_socket(struct sock *sk, bool received, const bool direct, const bool is_twin)
{
	struct tls_caller thread = this_thread();
	__u32 tgid = thread.tgid;
	__u32 *kinds = bpf_map_lookup_elem(&tls_processes, &tgid);
	struct tls_registers registers;
	struct tls_session_key key;
	struct tls_call *call;
	__u64 socket = (__u64)sk;
	struct conn *conn;

	if (!kinds || SK(direct, sk, sk_protocol) != IPPROTO_TCP)
		return;
	conn = bpf_map_lookup_elem(&conns, &socket);
	if (conn && conn->is_tls)
		return;
	registers = current_registers();
	call = call_in_progress(&thread, *kinds, &registers);
	if (call && call->kind != TLS_IDLE) {
		key = session_of(&thread, call->object);
		tls_bind(&key, socket, conn, true);
		return;
	}
	/* What follows takes two observations, and one must not be taken for two. */
	if (is_twin)
		return;
	if ((conn && conn->http == HTTP_FOUND) || !(*kinds & TLS_BY_THREAD) || !is_tls_record(&registers))
		return;
	if (received) {
		call = call_of(&thread, TLS_BY_THREAD);
		if (call)
			call->received = socket;
	} else if (call && call->object) {
		key = session_of(&thread, call->object);
		tls_bind(&key, socket, conn, false);
		call->object = 0;
	}
}
