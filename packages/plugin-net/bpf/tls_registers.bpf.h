/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The registers with which the current thread entered the kernel. */
#pragma once

/* Where they lie when no helper tells: at the end of the kernel's stack (THREAD_SIZE, without KASAN). */
#define KERNEL_STACK 16384

#if defined(__TARGET_ARCH_x86)
#define KERNEL_REGISTERS sizeof(struct pt_regs)
/* A uprobe at a function's entry sees the return address on top of the stack, at its return it is gone. */
#define RETURN_POPS 8
#define USER_STACK(from) ((from)->sp)
#define SYSCALL_NUMBER(from) ((from)->orig_ax)
#define SYSCALL_SECOND(from) ((from)->si)
/* Go's own calling convention, 1.17+: arguments in rax, rbx, rcx..., results likewise, the goroutine in r14. */
#define GO_FIRST(from) ((from)->ax)
#define GO_SECOND(from) ((from)->bx)
#define GO_THIRD(from) ((from)->cx)
#define GO_GOROUTINE(from) ((from)->r14)
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_READV = 19, SYS_WRITEV = 20, SYS_SENDTO = 44, SYS_RECVFROM = 45, SYS_SENDMSG = 46,
       SYS_RECVMSG = 47 };
#elif defined(__TARGET_ARCH_arm64)
/* struct pt_regs is longer than what users see of it: 0x150 until 5.15. */
#define KERNEL_REGISTERS 0x150
#define RETURN_POPS 0
#define USER_STACK(from) ((from)->user_regs.sp)
#define SYSCALL_NUMBER(from) ((from)->user_regs.regs[8])
#define SYSCALL_SECOND(from) ((from)->user_regs.regs[1])
/* Go 1.18+: arguments in x0, x1, x2..., the goroutine in x28. */
#define GO_FIRST(from) ((from)->user_regs.regs[0])
#define GO_SECOND(from) ((from)->user_regs.regs[1])
#define GO_THIRD(from) ((from)->user_regs.regs[2])
#define GO_GOROUTINE(from) ((from)->user_regs.regs[28])
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_READV = 65, SYS_WRITEV = 66, SYS_SENDTO = 206, SYS_RECVFROM = 207,
       SYS_SENDMSG = 211, SYS_RECVMSG = 212 };
#endif

struct tls_registers {
	__u64 goroutine;
	__u64 stack;
	__u64 syscall;
	__u64 second;
};

#define KEEP_REGISTERS(from)                            \
	((struct tls_registers){                        \
		.goroutine = GO_GOROUTINE(from),        \
		.stack = USER_STACK(from),              \
		.syscall = SYSCALL_NUMBER(from),        \
		.second = SYSCALL_SECOND(from),         \
	})

static __always_inline struct tls_registers current_registers(void)
{
	/* Since 5.15 (dd6e10fbd9fb). */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

		return KEEP_REGISTERS(regs);
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		struct pt_regs saved = {};

		bpf_probe_read_kernel(&saved, sizeof(saved),
				      BPF_CORE_READ(task, stack) + KERNEL_STACK - KERNEL_REGISTERS);
		return KEEP_REGISTERS(&saved);
	}
}

/* Where the first byte is that the thread sends or has received; 0: by another system call than these. */
static __always_inline __u64 first_byte(const struct tls_registers *registers)
{
	__u64 syscall = registers->syscall, at = registers->second;

	if (syscall == SYS_READ || syscall == SYS_WRITE || syscall == SYS_RECVFROM || syscall == SYS_SENDTO)
		return at;
	if (syscall == SYS_RECVMSG || syscall == SYS_SENDMSG) {
		/* struct user_msghdr: its third word points to the first struct iovec */
		if (bpf_probe_read_user(&at, sizeof(at), (void *)(at + 16)))
			return 0;
	} else if (syscall != SYS_READV && syscall != SYS_WRITEV) {
		return 0;
	}
	/* struct iovec: its first word points to the bytes */
	return bpf_probe_read_user(&at, sizeof(at), (void *)at) ? 0 : at;
}

/* Whether a record of TLS begins there (RFC 8446, 5.1): its type, version 3 and something, a length within bounds. */
static __always_inline bool is_tls_record(const struct tls_registers *registers)
{
	__u64 at = first_byte(registers);
	__u8 header[5] = {};

	if (!at || bpf_probe_read_user(header, sizeof(header), (void *)at))
		return false;
	return header[0] >= 20 && header[0] <= 23 && header[1] == 3 && header[2] <= 4 && header[3] <= 0x48;
}
