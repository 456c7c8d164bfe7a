// SPDX-License-Identifier: MIT
/*
 * terminal [--root DIRECTORY] [--uid UID] COMMAND [ARGUMENT...]: runs a command in a terminal of its own. What comes in is
 * typed, what it prints comes out, after a line with its pid.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 50, .ws_col = 200 };
	char typed[4096], printed[4096];
	ssize_t waiting = 0, done = 0;
	const char *root = NULL, *uid = NULL;
	int terminal;
	pid_t child;

	for (; argc > 2 && argv[1][0] == '-'; argc -= 2, argv += 2) {
		if (!strcmp(argv[1], "--root"))
			root = argv[2];
		else
			uid = argv[2];
	}
	child = forkpty(&terminal, NULL, NULL, &size);
	if (child < 0) {
		perror("forkpty");
		return 1;
	}
	if (child == 0) {
		if (!(root && (chroot(root) || chdir("/"))) && !(uid && setuid(atoi(uid))))
			execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	printf("%d\n", child);
	fflush(stdout);
	/* A full terminal takes nothing until its output is read: never wait for the one without the other. */
	fcntl(terminal, F_SETFL, O_NONBLOCK);
	for (bool is_open = true;;) {
		struct pollfd fds[2] = {
			{ .fd = is_open && done == waiting ? 0 : -1, .events = POLLIN },
			{ .fd = terminal, .events = POLLIN | (done < waiting ? POLLOUT : 0) },
		};

		poll(fds, 2, -1);
		if (fds[0].revents) {
			done = 0;
			waiting = read(0, typed, sizeof(typed));
			is_open = waiting > 0;
			waiting = is_open ? waiting : 0;
		}
		if (fds[1].revents & POLLOUT) {
			ssize_t written = write(terminal, typed + done, waiting - done);

			done += written > 0 ? written : 0;
		}
		if (fds[1].revents & ~POLLOUT) {
			ssize_t length = read(terminal, printed, sizeof(printed));

			if (length == 0 || (length < 0 && errno != EAGAIN))
				break; /* EIO: nobody has the terminal open any more */
			if (length > 0 && write(1, printed, length) < 0)
				break;
		}
	}
	waitpid(child, NULL, 0);
	return 0;
}
