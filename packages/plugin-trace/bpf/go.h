/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel and user space tell each other of Go programs. */
#pragma once

/* User space -> kernel, in map go_programs, by tgid: a process that runs a Go program. */
struct go_program {
	/* Where the code that the Go compiler made lies in the process's memory. */
	__u64 text_start;
	__u64 text_end;
	/* Of the members of the runtime's `g` that hold a goroutine's id, and the id of the one that created it (0: unknown). */
	__u32 goid;
	__u32 parent_goid;
};

/* A goroutine of a process. Ids of goroutines are not used again, their addresses are. */
struct go_routine {
	__u64 goid;
	__u32 tgid;
	__u32 _pad;
};

/* Kernel -> user space, in map go_origins, by goroutine. */
struct go_origin {
	__u64 parent;
	__u64 created_ns;
	/* 0: it is still at work. */
	__u64 ended_ns;
};

/* A stream of an HTTP/2 connection, by the goroutine that writes all that is sent on that connection. */
struct go_stream {
	__u64 writer;
	__u32 tgid;
	/* As the protocol numbers it. */
	__u32 stream;
};
