// SPDX-License-Identifier: GPL-2.0 OR MIT
/* httpflow: the exchanges of HTTP connections, one record each. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "skep/compat.bpf.h"
#include "skep/record.bpf.h"
#include "http.h"

SKEP_RECORD(http_event);
SKEP_RECORD(http_exchange);
SKEP_RECORD(http_chunk);
SKEP_RECORD(http_order);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
