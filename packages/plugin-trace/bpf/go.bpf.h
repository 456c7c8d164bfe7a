/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Goroutines. */
#pragma once

/* The goroutine on whose behalf the current thread of process @tgid is at work; 0: none. */
static __always_inline __u64 skep_goroutine(__u32 tgid)
{
	return 0;
}
