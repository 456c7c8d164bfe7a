/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Probes in C libraries. Their functions differ in how they tell what they have moved: `tls_read` and `tls_write` return it
 * (SSL_read, gnutls_record_recv), the others write it to where an argument points.
 */
#pragma once

#include "tls_call.bpf.h"
#include "tls_plain.bpf.h"

SEC("uprobe")
int BPF_KPROBE(tls_read, __u64 session, __u64 buffer)
{
	tls_enter(TLS_READ, session, buffer, 0, PT_REGS_SP(ctx));
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_read_ex, __u64 session, __u64 buffer, __u64 size, __u64 count)
{
	tls_enter(TLS_READ, session, buffer, count, PT_REGS_SP(ctx));
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_write, __u64 session, __u64 buffer)
{
	tls_enter(TLS_WRITE, session, buffer, 0, PT_REGS_SP(ctx));
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_write_ex, __u64 session, __u64 buffer, __u64 size, __u64 count)
{
	tls_enter(TLS_WRITE, session, buffer, count, PT_REGS_SP(ctx));
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_write_ex2, __u64 session, __u64 buffer, __u64 size, __u64 flags, __u64 count)
{
	tls_enter(TLS_WRITE, session, buffer, count, PT_REGS_SP(ctx));
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_handshake, __u64 session)
{
	tls_enter(TLS_HANDSHAKE, session, 0, 0, PT_REGS_SP(ctx));
	return 0;
}

/* Of any of these. Where one calls another, the inner return tells, and the outer finds its call over. */
SEC("uretprobe")
int BPF_KRETPROBE(tls_return, int result)
{
	struct tls_caller thread = this_thread();
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &thread);
	bool written;

	if (!call)
		return 0;
	written = call->kind == TLS_WRITE;
	tls_leave(call, PT_REGS_SP(ctx) - RETURN_POPS, result);
	if (call->count)
		tls_deliver(ctx, written);
	return 0;
}

/* The session is given up. Its memory may be another's soon. */
SEC("uprobe")
int BPF_KPROBE(tls_free, __u64 object)
{
	struct tls_caller thread = this_thread();
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &thread);
	struct tls_session_key key = session_of(&thread, object);

	if (call && call->object == object)
		call->object = 0;
	bpf_map_delete_elem(&tls_sessions, &key);
	return 0;
}
