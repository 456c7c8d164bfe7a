// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * netflow: what every connection moved, without a program on TCP's send or receive path.
 *
 * TCP sockets count for themselves. We note a socket when it connects or is established, read its counters once an
 * interval (harvest) and a last time when it closes. UDP sockets do not count: see udp.bpf.h.
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
#include "netflow.h"
#include "address.bpf.h"
#include "counters.bpf.h"

/* The reference never shows loopback traffic; the `loopback` option does. */
const volatile bool skip_loopback = true;
const volatile bool skip_ipv6 = false;

#include "tcp.bpf.h"
#include "udp.bpf.h"

SKEP_RECORD(conn_record);
SKEP_RECORD(listener_record);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
