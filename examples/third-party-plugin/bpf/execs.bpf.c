// SPDX-License-Identifier: GPL-2.0 OR MIT
/* One record for each successful execve, from the process's own context. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "skep/record.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "skep/scope.bpf.h"
#include "skep/scope_fork.bpf.h"
#include "execs.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct exec_event *event;

	if (!skep_current_in_scope(task->nsproxy ? task->nsproxy->net_ns->ns.inum : 0))
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		skep_count(SKEP_RING_FULL);
		return 0;
	}
	event->pid = task->tgid;
	event->uid = bpf_get_current_uid_gid();
	__builtin_memcpy(event->comm, task->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SKEP_RECORD(exec_event);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
