/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Goroutines. The one that is at work on a thread is found without any probe: code made by the Go compiler keeps its `g` in a
 * register of its own (since 1.17 on x86-64, internal ABI), also while it makes a system call. Where in `g` the id is, user
 * space has found in the program (src/go); of other processes nothing is read.
 */
#pragma once

#include "go.h"

/* How a uprobe program's context and the registers of a system call are looked at. */
#if defined(__TARGET_ARCH_x86)
#define GO_G(from) ((from)->r14)
/* Words of arguments. */
#define GO_FIRST(from) ((from)->ax)
#define GO_SECOND(from) ((from)->bx)
#define GO_FOURTH(from) ((from)->di)
#define GO_PC(from) ((from)->ip)
#elif defined(__TARGET_ARCH_arm64)
#define GO_G(from) ((from)->user_regs.regs[28])
#define GO_FIRST(from) ((from)->user_regs.regs[0])
#define GO_SECOND(from) ((from)->user_regs.regs[1])
#define GO_FOURTH(from) ((from)->user_regs.regs[3])
#define GO_PC(from) ((from)->user_regs.pc)
#endif

/* Where the registers lie when no helper tells: at the end of the kernel's stack (THREAD_SIZE, without KASAN). */
#define GO_KERNEL_STACK 16384
#if defined(__TARGET_ARCH_x86)
#define GO_KERNEL_REGISTERS sizeof(struct pt_regs)
#else
/* struct pt_regs is longer than what users see of it: 0x150 until 5.15. */
#define GO_KERNEL_REGISTERS 0x150
#endif

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct go_program);
} go_programs SEC(".maps");

/*
 * Goroutines that write what others ask for -> on whose behalf at present; 0: it is not known. net/http has such a one for each
 * connection of its client (go.bpf.c).
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct go_routine);
	__type(value, __u64);
} go_askers SEC(".maps");

struct go_registers {
	__u64 g;
	__u64 pc;
};

/* With which the current thread entered the kernel. Threads of the kernel's own, and those of io_uring, have zeroes. */
static __always_inline struct go_registers go_current_registers(void)
{
	/* Since 5.15 (dd6e10fbd9fb). */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

		return (struct go_registers){ .g = GO_G(regs), .pc = GO_PC(regs) };
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		struct pt_regs saved = {};

		bpf_probe_read_kernel(&saved, sizeof(saved),
				      BPF_CORE_READ(task, stack) + GO_KERNEL_STACK - GO_KERNEL_REGISTERS);
		return (struct go_registers){ .g = GO_G(&saved), .pc = GO_PC(&saved) };
	}
}

/* The id of the goroutine with this `g`. 0: it cannot be read, or is one of the scheduler's own. */
static __always_inline __u64 go_id(const struct go_program *program, __u64 g)
{
	__u64 goid = 0;

	if (!g || bpf_probe_read_user(&goid, sizeof(goid), (void *)(g + program->goid)))
		return 0;
	return goid;
}

/*
 * The goroutine on whose behalf the current thread of process @tgid makes its system call. 0: none, or not known for certain;
 * of a Go program that never means that the thread stands for itself.
 */
static __always_inline __u64 skep_goroutine(__u32 tgid)
{
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &tgid);
	struct go_routine self = { .tgid = tgid };
	struct go_registers registers;
	__u64 *asker;

	if (!program)
		return 0;
	registers = go_current_registers();
	/* In C code that a Go program calls the register holds anything. */
	if (registers.pc < program->text_start || registers.pc >= program->text_end)
		return 0;
	self.goid = go_id(program, registers.g);
	asker = self.goid ? bpf_map_lookup_elem(&go_askers, &self) : NULL;
	return asker ? *asker : self.goid;
}
