/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Is this process or socket one the agent may observe? Core fills the maps and `skep_scope_mask` before programs attach.
 * Answers are cached by cgroup, both ways, so a process out of scope costs one lookup.
 */
#pragma once

#define SKEP_SCOPE_CGROUPS 1
#define SKEP_SCOPE_PIDS 2
#define SKEP_SCOPE_NETNS 4
/* Deepest cgroup whose ancestors are followed. */
#define SKEP_CGROUP_DEPTH 16

/* Kinds of scope in use; 0 is the whole host. */
const volatile __u32 skep_scope_mask = 0;

enum { SKEP_IN_SCOPE = 1, SKEP_OUT_OF_SCOPE = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u8);
} scope_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u8);
} scope_pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u8);
} scope_netns SEC(".maps");

static __always_inline bool skep_pid_in_scope(__u32 tgid)
{
	return (skep_scope_mask & SKEP_SCOPE_PIDS) && bpf_map_lookup_elem(&scope_pids, &tgid);
}

static __always_inline bool skep_netns_in_scope(__u32 inum)
{
	return (skep_scope_mask & SKEP_SCOPE_NETNS) && bpf_map_lookup_elem(&scope_netns, &inum);
}

#define SKEP_CGROUP_READ(direct, from, member) ((direct) ? (from)->member : BPF_CORE_READ(from, member))

/* Whether @cgroup or one of its ancestors is in scope. @direct: the pointer comes from BTF. */
static __always_inline bool skep_cgroup_in_scope(struct cgroup *cgroup, const bool direct)
{
	__u64 first = 0;
	__u8 verdict = SKEP_OUT_OF_SCOPE;

	if (!(skep_scope_mask & SKEP_SCOPE_CGROUPS))
		return false;
#pragma clang loop unroll(disable)
	for (int depth = 0; depth < SKEP_CGROUP_DEPTH; depth++) {
		struct cgroup_subsys_state *parent;
		struct kernfs_node *node;
		__u8 *known;
		__u64 id;

		if (!cgroup)
			break;
		node = SKEP_CGROUP_READ(direct, cgroup, kn);
		if (!node)
			break;
		id = SKEP_CGROUP_READ(direct, node, id);
		if (depth == 0)
			first = id;
		known = bpf_map_lookup_elem(&scope_cgroups, &id);
		if (known) {
			if (depth == 0)
				return *known == SKEP_IN_SCOPE;
			verdict = *known;
			break;
		}
		parent = SKEP_CGROUP_READ(direct, cgroup, self.parent);
		if (!parent)
			break;
		cgroup = SKEP_CGROUP_READ(direct, parent, cgroup);
	}
	/* Ids of cgroups are not used again, so an answer stays right; when the cache is full the walk is repeated. */
	bpf_map_update_elem(&scope_cgroups, &first, &verdict, BPF_ANY);
	return verdict == SKEP_IN_SCOPE;
}

static __always_inline bool skep_current_cgroup_in_scope(void)
{
	if (!(skep_scope_mask & SKEP_SCOPE_CGROUPS))
		return false;
	if (skep_has_task_btf()) {
		struct task_struct *task = bpf_get_current_task_btf();

		return skep_cgroup_in_scope(task->cgroups->dfl_cgrp, true);
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		return skep_cgroup_in_scope(BPF_CORE_READ(task, cgroups, dfl_cgrp), false);
	}
}

/* The current process, in its own context, working on something in network namespace @netns. */
static __always_inline bool skep_current_in_scope(__u32 netns)
{
	return !skep_scope_mask || skep_netns_in_scope(netns) || skep_pid_in_scope(bpf_get_current_pid_tgid() >> 32) ||
	       skep_current_cgroup_in_scope();
}

/* A task seen by an iterator. */
static __always_inline bool skep_task_in_scope(struct task_struct *task, __u32 netns)
{
	return !skep_scope_mask || skep_netns_in_scope(netns) || skep_pid_in_scope(task->tgid) ||
	       ((skep_scope_mask & SKEP_SCOPE_CGROUPS) && skep_cgroup_in_scope(task->cgroups->dfl_cgrp, true));
}

/*
 * A socket outside any process (softirq): by its network namespace and, where the kernel keeps it plainly (5.15+),
 * the cgroup its creator or listener was in. @sk comes from BTF.
 */
static __always_inline bool skep_socket_in_scope(struct sock *sk, __u32 netns)
{
	if (!skep_scope_mask || skep_netns_in_scope(netns))
		return true;
	if ((skep_scope_mask & SKEP_SCOPE_CGROUPS) && bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return skep_cgroup_in_scope(sk->sk_cgrp_data.cgroup, true);
	return false;
}
