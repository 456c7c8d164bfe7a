/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Stands in for libbpf's bpf_helpers.h when BPF C is compiled for the host: the same source, its maps and helpers
 * played by ordinary memory. A test sets `skep_host`, calls the functions under test and prints what came of it.
 * Include the plugin's vmlinux.h first, as always.
 */
#pragma once

#define SEC(name)
#undef __always_inline
#define __always_inline inline
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden
#define __ksym
#define __kconfig
#define __kptr
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name
#define __array(name, val) __typeof__(val) *name[]
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#define barrier() __asm__ volatile("" ::: "memory")
#define barrier_var(var) __asm__ volatile("" : "+r"(var))

/* From libc by hand: its headers and vmlinux.h declare the same names differently. */
int printf(const char *format, ...);
void *calloc(unsigned long count, unsigned long size);
void free(void *memory);

struct task_struct;

/* What the helpers answer. */
static struct {
	__u64 now_ns;
	__u64 pid_tgid;
	__u64 uid_gid;
	__u64 cgroup_id;
	__u32 cpu;
	char comm[16];
	struct task_struct *task;
	/* The next reservations in ring buffers fail. */
	_Bool ring_full;
} skep_host __attribute__((unused));

#define bpf_ktime_get_ns() (skep_host.now_ns)
#define bpf_ktime_get_boot_ns() (skep_host.now_ns)
#define bpf_get_current_pid_tgid() (skep_host.pid_tgid)
#define bpf_get_current_uid_gid() (skep_host.uid_gid)
#define bpf_get_current_cgroup_id() (skep_host.cgroup_id)
#define bpf_get_smp_processor_id() (skep_host.cpu)
#define bpf_get_current_task() ((unsigned long)skep_host.task)
#define bpf_get_current_task_btf() (skep_host.task)
#define bpf_printk(...) printf(__VA_ARGS__)

static inline long skep_host_copy(void *to, unsigned long size, const void *from)
{
	if (!from)
		return -14; /* EFAULT */
	__builtin_memcpy(to, from, size);
	return 0;
}

static inline long skep_host_copy_string(void *to, unsigned long size, const void *from)
{
	unsigned long length = 0;
	char *out = to;

	if (!from)
		return -14;
	while (length + 1 < size && ((const char *)from)[length]) {
		out[length] = ((const char *)from)[length];
		length++;
	}
	out[length] = 0;
	return length + 1;
}

#define bpf_get_current_comm(to, size) skep_host_copy(to, size, skep_host.comm)
#define bpf_probe_read_kernel(to, size, from) skep_host_copy(to, size, from)
#define bpf_probe_read_user(to, size, from) skep_host_copy(to, size, from)
#define bpf_probe_read_kernel_str(to, size, from) skep_host_copy_string(to, size, from)
#define bpf_probe_read_user_str(to, size, from) skep_host_copy_string(to, size, from)

#include "skep_host_maps.h"
