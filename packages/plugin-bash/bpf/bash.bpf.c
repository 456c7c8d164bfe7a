// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Commands of shells: a line when its editor hands it over, and the arguments of a bash that is executed.
 *
 * User probes may be preempted by another on the same CPU (since 6.0), so nothing is kept per CPU: text goes straight
 * into the ring, into a short record first and into a long one when it does not fit.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "skep/compat.bpf.h"
#include "skep/record.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "skep/scope.bpf.h"
#include "skep/scope_fork.bpf.h"
#include "bash.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} commands SEC(".maps");

/* Thread -> address of the line that bash has told, until readline() returns it; of zsh that a line is to come. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} told SEC(".maps");

static __always_inline struct command_record *reserve(const __u64 room)
{
	struct command_record *record;

	record = bpf_ringbuf_reserve(&commands, offsetof(struct command_record, text) + room, 0);
	if (!record)
		skep_count(SKEP_RING_FULL);
	return record;
}

static __always_inline void submit(struct command_record *record, __u32 source, __u32 length)
{
	record->time_ns = bpf_ktime_get_ns();
	record->tgid = bpf_get_current_pid_tgid() >> 32;
	record->uid = bpf_get_current_uid_gid();
	record->source = source;
	record->length = length;
	bpf_ringbuf_submit(record, 0);
}

/* False when @line is longer than @room and there is a larger one to try. */
static __always_inline bool send_line(const char *line, __u32 source, const __u64 room)
{
	struct command_record *record = reserve(room);
	long read;

	if (!record)
		return true;
	read = bpf_probe_read_user_str(record->text, room, line);
	if (read > 1 && (read < room || room == LONG_TEXT)) {
		submit(record, source, read - 1);
		return true;
	}
	/* It wakes the reader like any other: as long as it lies there unread, no later record would. */
	bpf_ringbuf_discard(record, 0);
	if (read < 0)
		skep_count(SKEP_UNREADABLE);
	return read < (long)room;
}

/* NULL is the end of input, Ctrl-D. Of an empty line nothing is sent either. */
static __always_inline void send(const char *line, __u32 source)
{
	if (line && skep_current_in_scope(skep_current_netns()) && !send_line(line, source, SHORT_TEXT))
		send_line(line, source, LONG_TEXT);
}

/*
 * The last thing readline() does with a line. It comes out of here also in a shell that was waiting at its prompt when
 * the probes were attached, where the return of readline() itself goes unseen: a return probe is set at the call.
 */
SEC("uretprobe")
int BPF_KRETPROBE(bash_edited, const char *line)
{
	__u64 thread = bpf_get_current_pid_tgid(), address = (__u64)line;

	if (line)
		bpf_map_update_elem(&told, &thread, &address, BPF_ANY);
	send(line, FROM_READLINE);
	return 0;
}

/* Where that function was inlined or is not exported. The line it has told already comes by here next. */
SEC("uretprobe")
int BPF_KRETPROBE(bash_readline, const char *line)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *address = bpf_map_lookup_elem(&told, &thread);

	if (!address || *address != (__u64)line)
		send(line, FROM_READLINE);
	bpf_map_delete_elem(&told, &thread);
	return 0;
}

/*
 * zleread() of zsh: zlecore() edits, freeundo() ends the editing, zlegetline() gives the line. That is asked for at other
 * times too, so it counts between the end of one and the beginning of the next. As with bash, nothing here has begun
 * when the probes are attached to a shell that waits at its prompt.
 */
SEC("uprobe")
int BPF_KPROBE(zsh_edit)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&told, &thread);
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(zsh_edited)
{
	__u64 thread = bpf_get_current_pid_tgid(), edited = 1;

	bpf_map_update_elem(&told, &thread, &edited, BPF_ANY);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(zsh_line, const char *line)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (bpf_map_delete_elem(&told, &thread) == 0)
		send(line, FROM_ZLE);
	return 0;
}

/* Sends @length bytes. False when they are more than @room and there is a larger one to try. */
static __always_inline bool send_bytes(const char *bytes, __u64 length, __u32 source, const __u64 room)
{
	struct command_record *record;

	if (length > room && room != LONG_TEXT)
		return false;
	record = reserve(room);
	if (!record)
		return true;
	if (length > room)
		length = room;
	if (!bpf_probe_read_user(record->text, length, bytes)) {
		submit(record, source, length);
		return true;
	}
	bpf_ringbuf_discard(record, 0);
	skep_count(SKEP_UNREADABLE);
	return true;
}

/* An entry begins with "- cmd: ". fish adds it in one write, at the end also when it writes the whole file anew. */
SEC("uprobe")
int BPF_KPROBE(fish_write, int fd, const char *bytes, __u64 count)
{
	const char entry[8] = "- cmd: ";
	char start[8] = {};

	if (count < sizeof(entry) || bpf_probe_read_user(start, sizeof(entry) - 1, bytes) ||
	    *(__u64 *)start != *(__u64 *)entry || !skep_current_in_scope(skep_current_netns()))
		return 0;
	if (count > COMMAND_MAX) {
		bytes += count - COMMAND_MAX;
		count = COMMAND_MAX;
	}
	if (!send_bytes(bytes, count, FROM_FISH, SHORT_TEXT))
		send_bytes(bytes, count, FROM_FISH, LONG_TEXT);
	return 0;
}

/*
 * The name in the entry itself. By its offset: an access to an array would have to find it as long as it is here, and it has
 * grown from 32 to 40 bytes before it was renamed.
 */
static __always_inline const char *short_name(struct dentry *entry)
{
	struct dentry___614 *newer = (void *)entry;

	if (bpf_core_field_exists(newer->d_shortname))
		return (void *)entry + bpf_core_field_offset(newer->d_shortname);
	return (void *)entry + bpf_core_field_offset(entry->d_iname);
}

/* Whether the file that is executed is called bash, whatever the shell is told it is (`sh`, `-bash`). */
static __always_inline bool is_bash(struct linux_binprm *program)
{
	const char *name = short_name(program->file->f_path.dentry);
	const char bash[] = "bash";

#pragma unroll
	for (int i = 0; i < sizeof(bash); i++)
		if (name[i] != bash[i])
			return false;
	return true;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(bash_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *program)
{
	const char *arguments = (const char *)task->mm->arg_start;
	__u64 length = task->mm->arg_end - task->mm->arg_start;

	if (is_bash(program) && skep_current_in_scope(skep_current_netns()) &&
	    !send_bytes(arguments, length, FROM_EXEC, SHORT_TEXT))
		send_bytes(arguments, length, FROM_EXEC, LONG_TEXT);
	return 0;
}

SKEP_RECORD(command_record);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
