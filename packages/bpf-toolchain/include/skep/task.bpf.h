/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The current process, read by following BTF pointers where the kernel lets us (5.11+; the only way under
 * lockdown=confidentiality) and by probe reads elsewhere. The branch a kernel cannot take is dead code to its verifier.
 */
#pragma once

#define COMM_LEN 16

struct skep_process {
	__u32 tgid;
	/* Start of the process on the clock of bpf_ktime_get_ns(). */
	__u64 started_ns;
	/* Of the process, not of the thread that happens to run. */
	char comm[COMM_LEN];
};

static __always_inline bool skep_has_task_btf(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

/* @task comes from BTF (bpf_get_current_task_btf, an iterator, tp_btf): read it directly. */
static __always_inline void skep_process_of(struct task_struct *task, struct skep_process *process)
{
	struct task_struct *leader = task->group_leader;

	process->tgid = task->tgid;
	process->started_ns = leader->start_time;
	__builtin_memcpy(process->comm, leader->comm, COMM_LEN);
}

static __always_inline void skep_current_process(struct skep_process *process)
{
	if (skep_has_task_btf()) {
		skep_process_of(bpf_get_current_task_btf(), process);
	} else {
		struct task_struct *leader = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);

		process->tgid = bpf_get_current_pid_tgid() >> 32;
		process->started_ns = BPF_CORE_READ(leader, start_time);
		BPF_CORE_READ_INTO(&process->comm, leader, comm);
	}
}

/* Inode number of the current process's network namespace; 0 while it exits. */
static __always_inline __u32 skep_current_netns(void)
{
	if (skep_has_task_btf()) {
		struct nsproxy *nsproxy = bpf_get_current_task_btf()->nsproxy;

		return nsproxy ? nsproxy->net_ns->ns.inum : 0;
	}
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), nsproxy, net_ns, ns.inum);
}
