/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#pragma once

/* A process became another program. */
struct exec_event {
	__u32 pid;
	__u32 uid;
	char comm[16];
};
