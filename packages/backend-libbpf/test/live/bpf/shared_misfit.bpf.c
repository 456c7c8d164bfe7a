// SPDX-License-Identifier: GPL-2.0
#define SHARED_VALUE __u32
#include "shared_b.bpf.c"
