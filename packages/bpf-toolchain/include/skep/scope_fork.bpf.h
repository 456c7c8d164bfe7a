/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Children of a process in `scope_pids` are in scope. Only needed for a scope by pid; a plugin includes this file and
 * spreads `scopeProbes` of @skep/core into its probes; core leaves the group out of other scopes.
 */
#pragma once

SEC("tp_btf/task_newtask")
int BPF_PROG(scope_fork, struct task_struct *task, __u64 clone_flags)
{
	__u32 parent = bpf_get_current_pid_tgid() >> 32;
	__u32 child = task->tgid;
	__u8 in = SKEP_IN_SCOPE;

	if (child != parent && bpf_map_lookup_elem(&scope_pids, &parent))
		bpf_map_update_elem(&scope_pids, &child, &in, BPF_ANY);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(scope_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (task->pid == tgid)
		bpf_map_delete_elem(&scope_pids, &tgid);
	return 0;
}
