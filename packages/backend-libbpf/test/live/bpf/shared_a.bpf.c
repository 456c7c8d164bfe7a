// SPDX-License-Identifier: GPL-2.0
#include "shared.h"

SEC("raw_tp/sys_enter")
int count_in_a(struct bpf_raw_tracepoint_args *ctx)
{
	count_getppid(ctx, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
