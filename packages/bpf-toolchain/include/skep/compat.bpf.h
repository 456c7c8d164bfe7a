/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What libbpf-dev 1.1 does not declare yet. */
#pragma once

#ifndef bpf_ksym_exists
/* A weak kfunc or symbol that the running kernel lacks has address 0: code behind it is dead to the verifier. */
#define bpf_ksym_exists(symbol) (!!(symbol))
#endif

/*
 * Makes an address a pointer of a BTF type that can be read (never written) without probe reads, so also under lockdown.
 * Since 6.2 (a35b9af4ec2c). Ask bpf_ksym_exists first.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* The kernel's own structure behind the context of a program. Since 6.2 (fd264ca02094). Ask bpf_ksym_exists first. */
extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;
