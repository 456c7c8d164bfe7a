/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Who uses a UDP socket, for programs that see its packets: those arrive outside any process, so it is noted when the
 * socket sends. Shared by the plugin's objects.
 */
#pragma once

struct udp_owner {
	__u32 tgid;
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct udp_owner);
} udp_owners SEC(".maps");
