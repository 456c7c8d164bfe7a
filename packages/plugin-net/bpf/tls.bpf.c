// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * httpflow-tls: the exchanges of HTTP connections inside TLS.
 *
 * Probes in TLS libraries see plaintext before it is encrypted and after it is decrypted (tls_library.bpf.h, tls_go.bpf.h);
 * which connection it belongs to is learnt from the sockets their callers use meanwhile (tls_session.bpf.h). From there on
 * it is followed like the bytes of a plain connection. Ciphertext is not looked at.
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
#include "netflow.h"
#include "address.bpf.h"
#include "conns.bpf.h"
#include "socket.bpf.h"
/* Uprobes may take no locks, so the connections inside TLS have a map of their own. */
#define HTTP_UNLOCKED
#define http_conns tls_conns
#include "tls_plain.bpf.h"
#include "tls_library.bpf.h"
#include "tls_go.bpf.h"
#include "http_close.bpf.h"

/* As in http.bpf.c. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tls_close, struct sock *sk)
{
	on_close((__u64)sk);
	return 0;
}

SEC("iter/bpf_map_elem")
int tls_harvest(struct bpf_iter__bpf_map_elem *ctx)
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
