// SPDX-License-Identifier: MIT
//
// Process 1 of a test kernel: from the initramfs to the job's exit status.
//
// Disks, in the order the runner gives them: vda the base image (becomes /), vdb the workspace's packages,
// vdc the kernel's modules, vdd the job, a shell script padded with NUL bytes.
// virtio-serial ports: "out" and "err" are the job's standard streams, "control" carries KMBOOT and KMEXIT.
//
// Nothing here needs port I/O or debugfs, so a guest booted with lockdown=confidentiality ends like any other.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB_MAX (1 << 20)
#define WAIT_STEPS 2000 /* of 10 ms: emulated machines find their disks slowly */

static char job[JOB_MAX + 1];

static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("init: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\n", stderr);
	va_end(arguments);
}

/* With panic=-1 and qemu's -no-reboot the machine is gone at once, without a KMEXIT: the runner counts that as no boot. */
static void die(const char *what)
{
	say("%s: %s", what, strerror(errno));
	sync();
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void mount_required(const char *source, const char *target, const char *type, unsigned long flags)
{
	mkdir(target, 0755);
	if (mount(source, target, type, flags, NULL) && errno != EBUSY)
		die(target);
}

/* What a kernel may lack: bpffs, tracefs, securityfs. A job that needs one sees that it is not there. */
static void mount_optional(const char *source, const char *target, const char *type)
{
	mkdir(target, 0755);
	if (mount(source, target, type, 0, NULL) && errno != EBUSY)
		say("no %s: %s", target, strerror(errno));
}

/* Names and order come from the runner, which knows the dependencies. */
static void load_modules(void)
{
	char line[PATH_MAX];
	FILE *list = fopen("/modules.list", "r");

	while (list && fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = 0;
		int fd = open(line, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			die(line);
		close(fd);
	}
	if (list)
		fclose(list);
}

static void wait_for(const char *path)
{
	for (int step = 0; access(path, F_OK); step++) {
		if (step == WAIT_STEPS)
			die(path);
		usleep(10 * 1000);
	}
}

static void read_job(const char *disk)
{
	size_t length = 0;
	ssize_t count;
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(disk);
	while (length < JOB_MAX && (count = read(fd, job + length, JOB_MAX - length)) > 0)
		length += count;
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* The initramfs cannot be unmounted; the new root is moved over it, as switch_root does. */
static void enter_root(void)
{
	wait_for("/dev/vdd");
	mount_required("/dev/vda", "/root", "ext4", MS_NOATIME);
	mount_required("/dev/vdb", "/root/skep/packages", "ext4", MS_NOATIME);
	mount_required("/dev/vdc", "/root/lib/modules", "ext4", MS_NOATIME);
	read_job("/dev/vdd");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("switching root");
}

static void mount_system(void)
{
	mount_required("devtmpfs", "/dev", "devtmpfs", 0);
	mount_required("proc", "/proc", "proc", 0);
	mount_required("sysfs", "/sys", "sysfs", 0);
	mount_required("tmpfs", "/tmp", "tmpfs", 0);
	mount_required("tmpfs", "/run", "tmpfs", 0);
	mount_required("tmpfs", "/dev/shm", "tmpfs", 0);
	mount_optional("devpts", "/dev/pts", "devpts");
	mount_required("cgroup2", "/sys/fs/cgroup", "cgroup2", 0);
	mount_optional("bpf", "/sys/fs/bpf", "bpf");
	mount_optional("tracefs", "/sys/kernel/tracing", "tracefs");
	mount_optional("debugfs", "/sys/kernel/debug", "debugfs");
	mount_optional("securityfs", "/sys/kernel/security", "securityfs");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		die("raising lo");
	close(fd);
	sethostname("skep-guest", strlen("skep-guest"));
}

/* No udev here: the port's name is only in sysfs. */
static int find_port(const char *wanted, char *path, size_t size)
{
	struct dirent *entry;
	int found = 0;
	DIR *ports = opendir("/sys/class/virtio-ports");

	while (ports && !found && (entry = readdir(ports))) {
		char file[PATH_MAX], name[64] = "";
		snprintf(file, sizeof(file), "/sys/class/virtio-ports/%s/name", entry->d_name);
		FILE *stream = fopen(file, "r");
		if (!stream)
			continue;
		if (fgets(name, sizeof(name), stream) && !strncmp(name, wanted, strcspn(name, "\n")) &&
		    strlen(wanted) == strcspn(name, "\n")) {
			snprintf(path, size, "/dev/%s", entry->d_name);
			found = 1;
		}
		fclose(stream);
	}
	if (ports)
		closedir(ports);
	return found;
}

static int open_port(const char *name)
{
	char path[PATH_MAX];
	int fd = -1;

	for (int step = 0; step < WAIT_STEPS; step++) {
		if (find_port(name, path, sizeof(path)) && (fd = open(path, O_RDWR | O_CLOEXEC)) >= 0)
			return fd;
		usleep(10 * 1000);
	}
	die(name);
	return -1;
}

static int is_interactive(void)
{
	char line[4096] = "";
	FILE *stream = fopen("/proc/cmdline", "r");

	if (stream) {
		fgets(line, sizeof(line), stream);
		fclose(stream);
	}
	return strstr(line, "skep.shell") != NULL;
}

static pid_t start_job(int out, int err)
{
	static char *const environment[] = { "PATH=/skep/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					     "HOME=/root", "TMPDIR=/tmp", "LANG=C.UTF-8", NULL };
	int interactive = is_interactive();
	pid_t child = fork();

	if (child)
		return child;
	setsid();
	int in = open(interactive ? "/dev/ttyS0" : "/dev/null", O_RDWR);
	if (interactive) {
		ioctl(in, TIOCSCTTY, 0);
		out = err = in;
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (chdir("/skep"))
		_exit(126);
	execle("/bin/bash", "bash", "/run/job.sh", NULL, environment);
	_exit(127);
}

/* Orphans of the job are process 1's children too: all are reaped, only the job's status counts. */
static int wait_for_job(pid_t job_pid)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);
		if (pid < 0 && errno != EINTR)
			return 125;
		if (pid == job_pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

int main(void)
{
	struct utsname name;

	mount_required("devtmpfs", "/dev", "devtmpfs", 0);
	mount_required("proc", "/proc", "proc", 0);
	mount_required("sysfs", "/sys", "sysfs", 0);
	load_modules();
	enter_root();
	mount_system();
	raise_loopback();
	write_file("/run/job.sh", job);
	uname(&name);

	int control = open_port("control");
	int out = open_port("out");
	int err = open_port("err");
	dprintf(control, "KMBOOT %s\n", name.release);
	int status = wait_for_job(start_job(out, err));
	dprintf(control, "KMEXIT %d\n", status);
	say("KMEXIT %d", status);

	/* The runner ends the machine once it has read everything; this is for one started by hand. */
	sleep(5);
	reboot(RB_AUTOBOOT);
	return 0;
}
