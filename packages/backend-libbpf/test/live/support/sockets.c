// SPDX-License-Identifier: MIT
/* Four sockets: 40 datagrams of 100 bytes from one to another, and a TCP connection that is refused. All on loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* A socket bound to a free port of 127.0.0.1, told in *address. */
static int bound(int type, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, type, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	check(fd >= 0 && !bind(fd, (struct sockaddr *)address, length), "bind");
	check(!getsockname(fd, (struct sockaddr *)address, &length), "getsockname");
	return fd;
}

int main(void)
{
	struct sockaddr_in receiver, deaf;
	char message[100] = "";
	int from = socket(AF_INET, SOCK_DGRAM, 0), to = bound(SOCK_DGRAM, &receiver);
	/* Bound and never listening. */
	int free = bound(SOCK_STREAM, &deaf), client = socket(AF_INET, SOCK_STREAM, 0);

	for (int count = 0; count < 40; count++) {
		check(sendto(from, message, 100, 0, (struct sockaddr *)&receiver, sizeof(receiver)) == 100, "sendto");
		check(recv(to, message, sizeof(message), 0) == 100, "recv");
	}
	check(connect(client, (struct sockaddr *)&deaf, sizeof(deaf)) && errno == ECONNREFUSED, "connect");
	close(from);
	close(to);
	close(free);
	close(client);
	return 0;
}
