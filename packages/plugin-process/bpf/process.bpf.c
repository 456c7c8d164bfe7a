// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Keeps user space's process table current: three events in the life of a process, none while it works. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "skep/record.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "skep/scope.bpf.h"
#include "skep/scope_fork.bpf.h"
#include "process.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* @task belongs to the current process or is its new child, so the scope of the one is that of the other. */
static __always_inline void emit(struct task_struct *task, __u32 kind, __u32 parent_tgid)
{
	struct process_event *event;

	if (!skep_current_in_scope(task->nsproxy ? task->nsproxy->net_ns->ns.inum : 0))
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	event->time_ns = bpf_ktime_get_ns();
	event->kind = kind;
	event->tgid = task->tgid;
	event->parent_tgid = parent_tgid;
	event->uid = bpf_get_current_uid_gid();
	__builtin_memcpy(event->comm, task->comm, COMM_LEN);
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	if (child->pid == child->tgid)
		emit(child, PROCESS_FORK, parent->tgid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	emit(task, PROCESS_EXEC, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	if (task->pid == task->tgid)
		emit(task, PROCESS_EXIT, 0);
	return 0;
}

SKEP_RECORD(process_event);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
