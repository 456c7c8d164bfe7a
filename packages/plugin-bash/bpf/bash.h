/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#pragma once

/* Longest command that is told whole, bytes. */
#define COMMAND_MAX 4096
/* Two more than that: a NUL, and a byte that shows that there was more. */
#define LONG_TEXT (COMMAND_MAX + 8)
#define SHORT_TEXT 232

enum command_source {
	/* A line as it was typed. */
	FROM_READLINE = 1,
	/* The same, in zsh's own encoding and with a newline at its end. */
	FROM_ZLE = 2,
	/* The arguments of a bash that was executed, each with a NUL behind it. */
	FROM_EXEC = 3,
	/* The end of what fish writes to its history. */
	FROM_FISH = 4,
};

/* A command is about to run. Records of long commands have LONG_TEXT bytes of text. */
struct command_record {
	/* CLOCK_MONOTONIC. */
	__u64 time_ns;
	__u32 tgid;
	__u32 uid;
	__u32 source;
	/* Of the text, without the NUL; more than COMMAND_MAX: it was cut. */
	__u32 length;
	char text[SHORT_TEXT];
};
