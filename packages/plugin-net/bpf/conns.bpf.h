/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The TCP connections that are watched: netflow notes and forgets them, http looks them up. */
#pragma once

/*
 * How sure we are whose connection it is. A connection belongs to the process that connected or accepted it.
 * Where accept cannot be hooked, a process seen holding or closing it is taken instead.
 */
enum owner_certainty {
	OWNER_NONE = 0,
	/* The listener's process: nobody is known to have accepted yet. */
	OWNER_LISTENER = 1,
	OWNER_HOLDER = 2,
	OWNER_OPENER = 3,
};

/*
 * What http.bpf.c has found the bytes of a connection to be. Between the first two: packets looked at in vain, where the
 * beginning was missed.
 */
enum http_verdict {
	HTTP_UNSEEN = 0,
	HTTP_TRIES = 64,
	HTTP_FOUND = 254,
	HTTP_NOT = 255,
};

struct conn {
	__u64 id;
	__u64 established_ns;
	/* Of a connection older than we are: what it had moved when we met it. */
	__u64 base_read;
	__u64 base_written;
	__u32 base_retransmits;
	__u32 tgid;
	char comm[COMM_LEN];
	__u8 direction;
	__u8 flags;
	__u8 certainty;
	/* It connected, so the SYN is in its count of acked bytes. */
	__u8 sent_syn;
	/* In state CLOSE but still in a process's hands: what it was is in `closing`. */
	__u8 is_closing;
	/* enum tcp_state it was last seen to go to: a change that is told twice counts once. */
	__u8 state;
	/* enum http_verdict. Kept here so that another protocol's packet costs one lookup. */
	__u8 http;
	/* A TLS session's, whose plaintext tls.bpf.c sees. */
	__u8 is_tls;
	/* Tells its socket from another that has taken its memory. Known once it is established. */
	__u16 src_port;
};

/* Every connection in scope, by address of its socket. The key stays in the kernel. Shared by the plugin's objects. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct conn);
} conns SEC(".maps");

static __always_inline void own(struct conn *conn, const struct skep_process *process, enum owner_certainty certainty)
{
	conn->tgid = process->tgid;
	__builtin_memcpy(conn->comm, process->comm, COMM_LEN);
	conn->certainty = certainty;
}

/*
 * Where accept cannot be hooked: the current process writes to the connection or gives it up (close, shutdown, exit), so it
 * has accepted it. One that is younger than the connection inherited it: then it is the forefather's who was there.
 */
static __always_inline void own_by_user(struct conn *conn)
{
	struct skep_process process = {};

	if (conn->certainty >= OWNER_HOLDER || !skep_has_task_btf())
		return;
	struct task_struct *task = bpf_get_current_task_btf();

#pragma unroll
	for (int generation = 0; generation < 4; generation++) {
		skep_process_of(task, &process);
		if (process.started_ns <= conn->established_ns)
			break;
		task = task->real_parent;
		if (!task)
			return;
	}
	own(conn, &process, OWNER_HOLDER);
}
