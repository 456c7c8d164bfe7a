/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Probes in Go programs, in methods of crypto/tls.Conn. A goroutine may wait in a Read on one thread and return from it on
 * another, so calls belong to goroutines. Returns are uprobes on return instructions: there are no uretprobes in Go.
 */
#pragma once

#include "tls_call.bpf.h"
#include "tls_plain.bpf.h"

static __always_inline struct tls_caller this_goroutine(struct pt_regs *ctx)
{
	return (struct tls_caller){ .id = GO_GOROUTINE(ctx), .tgid = bpf_get_current_pid_tgid() >> 32 };
}

static __always_inline void go_enter(struct pt_regs *ctx, enum tls_call_kind kind)
{
	struct tls_caller goroutine = this_goroutine(ctx);
	struct tls_call *call = call_of(&goroutine, TLS_BY_GOROUTINE);

	if (!call)
		return;
	call->object = GO_FIRST(ctx);
	call->buffer = GO_SECOND(ctx);
	call->kind = kind;
}

/* func (c *Conn) Read(b []byte) (int, error) */
SEC("uprobe")
int go_read(struct pt_regs *ctx)
{
	go_enter(ctx, TLS_READ);
	return 0;
}

/* What follows is the thread's doing: it goes on to the end on the thread it began on. */
static __always_inline void go_deliver(struct pt_regs *ctx, __u64 object, __u64 buffer, __s64 count, bool written)
{
	struct tls_caller thread = this_thread();
	struct tls_call *call = call_of(&thread, TLS_BY_GOROUTINE);

	if (!call || count <= 0)
		return;
	call->object = object;
	call->buffer = buffer;
	call->count = count;
	tls_deliver(ctx, written);
}

SEC("uprobe")
int go_read_ret(struct pt_regs *ctx)
{
	struct tls_caller goroutine = this_goroutine(ctx);
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &goroutine);

	if (!call || call->kind != TLS_READ)
		return 0;
	call->kind = TLS_IDLE;
	go_deliver(ctx, call->object, call->buffer, GO_FIRST(ctx), false);
	return 0;
}

/*
 * func (c *Conn) Write(b []byte) (int, error): it writes everything, or the connection is done for, so what it writes can be
 * told when it is called. A session whose socket is not known yet learns it from a Read.
 */
SEC("uprobe")
int go_write(struct pt_regs *ctx)
{
	go_deliver(ctx, GO_FIRST(ctx), GO_SECOND(ctx), GO_THIRD(ctx), true);
	return 0;
}

/* A Conn shakes hands once, and first: what is known of one with its address is over. */
SEC("uprobe")
int go_shake(struct pt_regs *ctx)
{
	struct tls_caller goroutine = this_goroutine(ctx);
	struct tls_session_key session = session_of(&goroutine, GO_FIRST(ctx));

	bpf_map_delete_elem(&tls_sessions, &session);
	go_enter(ctx, TLS_HANDSHAKE);
	return 0;
}

SEC("uprobe")
int go_shake_ret(struct pt_regs *ctx)
{
	struct tls_caller goroutine = this_goroutine(ctx);
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &goroutine);

	if (call)
		call->kind = TLS_IDLE;
	return 0;
}
