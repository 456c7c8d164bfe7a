// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * ebpf-trace: the bytes of TCP connections with their sequence numbers, and which thread or goroutine moved them. What they
 * mean is found out in user space.
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
#include "skep/scope_fork.bpf.h"
#include "trace.h"
#include "bytes.bpf.h"
#include "marks.bpf.h"

struct msghdr;
struct page;

SEC("cgroup_skb/egress")
int trace_egress(struct __sk_buff *skb)
{
	on_packet(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int trace_ingress(struct __sk_buff *skb)
{
	on_packet(skb, false);
	return 1;
}

/*
 * Where a process takes bytes out of a socket, whichever system call it uses; as old as any kernel we run on.
 *
 * Each program stands twice: the kernel leaves a tracing program out where it is at work on that CPU already (since 6.1,
 * 05b24ff9b2cf), which happens where tracepoints can be preempted (7.x). Its twin is idle then; otherwise the twin finds
 * that all is done and leaves.
 */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(trace_received, struct sock *sk)
{
	mark_received(sk);
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(trace_received2, struct sock *sk)
{
	mark_received(sk);
	return 0;
}

/* Since 6.3 (6e6eda44b939). Told of attempts that moved nothing, too. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(trace_sent, struct sock *sk, int result)
{
	mark_sent(sk, result);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(trace_sent2, struct sock *sk, int result)
{
	mark_sent(sk, result);
	return 0;
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(sent_fexit, struct sock *sk, struct msghdr *message, __u64 size, int result)
{
	mark_sent(sk, result);
	return 0;
}

/* sendfile(2), until 6.5 (dc97391e6610) sent it as other messages. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(page_fexit, struct sock *sk, struct page *page, int offset, __u64 size, int flags, int result)
{
	mark_sent(sk, result);
	return 0;
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(sent_kprobe, struct sock *sk, struct msghdr *message, __u64 size)
{
	mark_sending(sk, size);
	return 0;
}

/* The last we hear of a socket. Left out when the kernel interrupts itself; then another takes its place, or LRU does. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(trace_close, struct sock *sk)
{
	close_conn(sk);
	return 0;
}

SKEP_RECORD(trace_event);
SKEP_RECORD(trace_open);
SKEP_RECORD(trace_chunk);
SKEP_RECORD(trace_mark);
SKEP_RECORD(trace_order);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
