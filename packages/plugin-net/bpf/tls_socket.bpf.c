// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Who sends and receives on which socket, in the context of the process: from it tls_call.bpf.h learns whose connection a
 * TLS session is. An object of its own, since it is tried in several ways, and tls.bpf.c takes the verifier long.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "skep/compat.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "netflow.h"
#include "address.bpf.h"
#include "socket.bpf.h"
#include "tls_call.bpf.h"

/* Since 6.3 (6e6eda44b939). Told of attempts that moved nothing, too. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(tls_sent, struct sock *sk, int result)
{
	if (result > 0)
		tls_on_socket(sk, false, true, false);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(tls_received, struct sock *sk, int result)
{
	if (result > 0)
		tls_on_socket(sk, true, true, false);
	return 0;
}

/*
 * The kernel leaves a tracing program out where it is at work on that CPU already (see tcp.bpf.h), which happens where
 * tracepoints can be preempted (7.x): then its twin is idle.
 */
SEC("tp_btf/sock_send_length")
int BPF_PROG(tls_sent_twin, struct sock *sk, int result)
{
	if (result > 0)
		tls_on_socket(sk, false, true, true);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(tls_recv_twin, struct sock *sk, int result)
{
	if (result > 0)
		tls_on_socket(sk, true, true, true);
	return 0;
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(tls_sent_fentry, struct sock *sk)
{
	tls_on_socket(sk, false, true, false);
	return 0;
}

/* Not tcp_recvmsg, because here the bytes are where the process wants them. */
SEC("fentry/tcp_cleanup_rbuf")
int BPF_PROG(tls_recv_fentry, struct sock *sk, int copied)
{
	if (copied > 0)
		tls_on_socket(sk, true, true, false);
	return 0;
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(tls_sent_kprobe, struct sock *sk)
{
	tls_on_socket(sk, false, false, false);
	return 0;
}

SEC("kprobe/tcp_cleanup_rbuf")
int BPF_KPROBE(tls_recv_kprobe, struct sock *sk, int copied)
{
	if (copied > 0)
		tls_on_socket(sk, true, false, false);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
