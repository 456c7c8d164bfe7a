/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#pragma once

#include "skep/task.bpf.h"

enum process_event_kind {
	PROCESS_FORK = 1,
	PROCESS_EXEC = 2,
	PROCESS_EXIT = 3,
};

/* A process begins, becomes another program, or ends. Threads are not processes. */
struct process_event {
	/* CLOCK_MONOTONIC. */
	__u64 time_ns;
	__u32 kind;
	__u32 tgid;
	/* Its parent; 0 where it is not known. */
	__u32 parent_tgid;
	__u32 uid;
	char comm[COMM_LEN];
};
