// SPDX-License-Identifier: MIT
/*
 * traffic: makes TCP and UDP traffic and tells exactly what it did.
 *
 * The ground truth of network tests: what each end really sent and received, counted where it was sent and received.
 * Every number comes from a system call's result. Anything unexpected ends the program with a message and a non-zero code.
 *
 * Output is one JSON object per line, told apart by "event":
 *   listening   servers are bound; carries their ports and the pids of both sides
 *   waiting     (--wait) a line on stdin starts the traffic
 *   holding     (--hold) everything is exchanged, nothing is closed yet; a line on stdin closes; has the truth so far
 *   done        the truth; last line
 * End of file on stdin counts as a line, so a dead parent leaves nothing behind.
 * Times are CLOCK_MONOTONIC nanoseconds, comparable with bpf_ktime_get_ns(): opened before connect() and after accept(),
 * closed before close(). tcpInfo is the kernel's own view (its byte counts include SYN and FIN), read before close().
 *
 * Build: gcc -O2 -static -pthread -o traffic traffic.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: traffic COMMAND [OPTION VALUE]...\n"
	"\n"
	"  tcp-exchange    connections on which the client sends and the server replies\n"
	"  hold N          N connections that stay open until a line on stdin\n"
	"  short           connections of one thread that live for microseconds\n"
	"  fork-pass       accepted in one process, served and closed in another (--pass)\n"
	"  never-accept    connections that no accept() ever returns\n"
	"  listen-late     connects that are refused (--refused), then tcp-exchange after listen()\n"
	"  udp-exchange    datagrams and their answers\n"
	"\n"
	"who and where\n"
	"  --role both|server|client     default both; apart: for two network namespaces\n"
	"  --fork                        the server in a process of its own (default: a thread)\n"
	"  --threads                     a thread per connection on both sides, all at once (default: one after another)\n"
	"  --family 4|6|mapped           default 4; mapped: IPv4 over AF_INET6 sockets\n"
	"  --client-family 4|6|mapped    default: as --family; 4 against a mapped server is dual stack\n"
	"  --address ADDR --port N       of the server; default loopback and any\n"
	"  --source ADDR                 of the client; default: the kernel chooses\n"
	"  --client-port N               of the first client socket, one more for each further one; default any\n"
	"what (TCP)\n"
	"  --connections N --rounds N    default 1 and 1\n"
	"  --send BYTES --reply BYTES    per round; default 1000 and 2000\n"
	"  --chunk BYTES                 at most per send() call; default 65536\n"
	"  --delay-us N                  the server waits before it replies\n"
	"  --close fin|rst|half|none     default fin; half: the closer shuts its direction before the other has finished\n"
	"  --closer client|server        who closes first; default client\n"
	"  --close-listener              the listener goes as soon as all connections are accepted\n"
	"  --pass fork|scm               how fork-pass hands a connection over; default fork\n"
	"  --refused N                   connects of listen-late that find nobody listening; default 1\n"
	"what (UDP)\n"
	"  --connections N               client sockets; default 1\n"
	"  --peers N                     server sockets each client socket talks to; default 1\n"
	"  --messages N --batch N        per client socket and peer, and how many before the answers; default 1 and 1\n"
	"  --send BYTES --reply BYTES    per datagram\n"
	"  --no-reply                    the server only receives\n"
	"  --connected                   connect() before send(); with several peers, again before each batch\n"
	"  --call send|sendmsg|sendmmsg  how both sides send and receive; default send (sendto, recvfrom)\n"
	"  --peek                        each datagram is looked at with MSG_PEEK before it is received\n"
	"when\n"
	"  --wait                        a line on stdin before the first packet\n"
	"  --hold                        a line on stdin before closing\n"
	"  --deadline-s N                gives up; waiting for stdin does not count; default 60\n";

enum family { FAMILY_4, FAMILY_6, FAMILY_MAPPED };
enum role { BOTH, SERVER, CLIENT };
enum closing { FIN, RST, HALF, NONE };
enum call { SEND, SENDMSG, SENDMMSG };
enum pass { FORK, SCM };

static struct {
	const char *command, *address, *source;
	enum role role;
	enum family family, client_family;
	uint16_t port, client_port;
	size_t connections, rounds, send, reply, chunk, peers, messages, batch, refused;
	useconds_t delay_us;
	enum closing close;
	enum role closer;
	enum call call;
	enum pass pass;
	bool forks, threads, close_listener, passes, connected, no_reply, peek, wait, hold;
	unsigned deadline_s;
} opt = {
	.connections = 1, .rounds = 1, .send = 1000, .reply = 2000, .chunk = 65536, .peers = 1, .messages = 1, .batch = 1,
	.closer = CLIENT, .deadline_s = 60,
};

/* ---- failing, waiting, time ---------------------------------------------------------------------------------------- */

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "traffic %s: ", opt.command ? opt.command : "");
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	_exit(1);
}

static long check(long result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

static void out_of_time(int signal)
{
	static const char message[] = "traffic: deadline passed\n";

	(void)signal;
	if (write(2, message, sizeof(message) - 1) < 0)
		_exit(125);
	_exit(124);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void wait_for_line(void)
{
	char byte;

	fflush(stdout);
	alarm(0);
	while (read(0, &byte, 1) == 1 && byte != '\n')
		;
	alarm(opt.deadline_s);
}

/* Memory that a forked child writes and the parent reads. */
static void *shared(size_t size)
{
	void *memory = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return memory;
}

/* ---- one end of one connection: the truth --------------------------------------------------------------------------- */

struct end {
	bool used;
	int family;
	char address[INET6_ADDRSTRLEN], peer_address[INET6_ADDRSTRLEN];
	uint16_t port, peer_port;
	pid_t open_pid, io_pid, io_tid, close_pid;
	uint64_t cookie, netns;
	uint64_t opened_ns, closed_ns;
	uint64_t sent, received, messages_sent, messages_received;
	bool has_info;
	struct tcp_info info;
};

static struct end *clients, *servers, *refused;
/* Posted once per server-side end when held connections may be closed. */
static sem_t *go;

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

static union address address_of(enum family family, const char *text, uint16_t port)
{
	union address address = {};
	char mapped[INET6_ADDRSTRLEN + 8];

	if (!text)
		text = family == FAMILY_6 ? "::1" : "127.0.0.1";
	if (family == FAMILY_4) {
		if (!strncmp(text, "::ffff:", 7))
			text += 7;
		address.v4.sin_family = AF_INET;
		address.v4.sin_port = htons(port);
		if (inet_pton(AF_INET, text, &address.v4.sin_addr) != 1)
			die("%s is not an IPv4 address", text);
		return address;
	}
	if (family == FAMILY_MAPPED && !strchr(text, ':')) {
		snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
		text = mapped;
	}
	address.v6.sin6_family = AF_INET6;
	address.v6.sin6_port = htons(port);
	if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) != 1)
		die("%s is not an IPv6 address", text);
	return address;
}

static void address_text(const union address *address, char text[INET6_ADDRSTRLEN], uint16_t *port)
{
	bool v4 = address->any.sa_family == AF_INET;

	if (!inet_ntop(address->any.sa_family, v4 ? (const void *)&address->v4.sin_addr : &address->v6.sin6_addr, text,
		       INET6_ADDRSTRLEN))
		die("inet_ntop: %s", strerror(errno));
	*port = ntohs(v4 ? address->v4.sin_port : address->v6.sin6_port);
}

static uint64_t netns_inode(void)
{
	struct stat stat_;

	return stat("/proc/self/ns/net", &stat_) ? 0 : stat_.st_ino;
}

/* Fills what the kernel says about the socket. The peer is asked for only where there is one. */
static void describe(int fd, struct end *end, bool has_peer)
{
	union address address;
	socklen_t size = sizeof(address);

	check(getsockname(fd, &address.any, &size), "getsockname");
	end->family = address.any.sa_family;
	address_text(&address, end->address, &end->port);
	if (has_peer) {
		size = sizeof(address);
		check(getpeername(fd, &address.any, &size), "getpeername");
		address_text(&address, end->peer_address, &end->peer_port);
	}
	size = sizeof(end->cookie);
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &end->cookie, &size))
		end->cookie = 0;
	end->netns = netns_inode();
	end->used = true;
}

static void describe_user(struct end *end)
{
	end->io_pid = getpid();
	end->io_tid = (pid_t)syscall(SYS_gettid);
}

static void close_end(int fd, struct end *end)
{
	end->close_pid = getpid();
	end->closed_ns = now_ns();
	check(close(fd), "close");
}

static int new_socket(enum family family, int type)
{
	int fd = (int)check(socket(family == FAMILY_4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0), "socket");
	int off = 0;

	if (family == FAMILY_MAPPED)
		check(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), "IPV6_V6ONLY");
	return fd;
}

static void bind_to(int fd, union address address)
{
	int on = 1;

	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "SO_REUSEADDR");
	check(bind(fd, &address.any, size_of(&address)), "bind");
}

static int server_socket(int type, uint16_t port)
{
	int fd = new_socket(opt.family, type);

	bind_to(fd, address_of(opt.family, opt.address, port));
	return fd;
}

static const char *any_address(enum family family)
{
	return family == FAMILY_4 ? "0.0.0.0" : "::";
}

static int client_socket(int type, size_t index)
{
	int fd = new_socket(opt.client_family, type);

	if (opt.source || opt.client_port)
		bind_to(fd, address_of(opt.client_family, opt.source ? opt.source : any_address(opt.client_family),
				       opt.client_port ? (uint16_t)(opt.client_port + index) : 0));
	return fd;
}

static uint16_t port_of(int fd)
{
	struct end end = {};

	describe(fd, &end, false);
	return end.port;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static void print_time(const char *name, uint64_t ns)
{
	if (ns)
		printf(",\"%s\":%" PRIu64, name, ns);
	else
		printf(",\"%s\":null", name);
}

static void print_end(const char *name, const struct end *end, bool datagrams)
{
	if (!end || !end->used) {
		printf(",\"%s\":null", name);
		return;
	}
	printf(",\"%s\":{\"family\":%d,\"address\":\"%s\",\"port\":%u,\"peerAddress\":\"%s\",\"peerPort\":%u", name,
	       end->family == AF_INET ? 4 : 6, end->address, end->port, end->peer_address, end->peer_port);
	printf(",\"pid\":%d,\"tid\":%d,\"openPid\":%d,\"closePid\":", end->io_pid, end->io_tid, end->open_pid);
	printf(end->close_pid ? "%d" : "null", end->close_pid);
	printf(",\"cookie\":\"%" PRIu64 "\",\"netns\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"received\":%" PRIu64, end->cookie,
	       end->netns, end->sent, end->received);
	if (datagrams)
		printf(",\"messagesSent\":%" PRIu64 ",\"messagesReceived\":%" PRIu64, end->messages_sent,
		       end->messages_received);
	print_time("openedNs", end->opened_ns);
	print_time("closedNs", end->closed_ns);
	if (end->has_info)
		printf(",\"tcpInfo\":{\"rttUs\":%u,\"rttVarUs\":%u,\"minRttUs\":%u,\"retransmits\":%u,\"bytesAcked\":%" PRIu64
		       ",\"bytesReceived\":%" PRIu64 "}",
		       end->info.tcpi_rtt, end->info.tcpi_rttvar, end->info.tcpi_min_rtt, end->info.tcpi_total_retrans,
		       (uint64_t)end->info.tcpi_bytes_acked, (uint64_t)end->info.tcpi_bytes_received);
	putchar('}');
}

/*
 * The server's end of a client's: the oldest one not yet told that talks to the client's port.
 * Where the server runs elsewhere there is none; where the client does, the server's ends stand alone.
 */
static struct end *server_end_of(const struct end *client, bool *told, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!told[i] && servers[i].used && servers[i].peer_port == client->port && servers[i].port == client->peer_port) {
			told[i] = true;
			return &servers[i];
		}
	return NULL;
}

static void print_truth(const char *event, size_t count, bool datagrams)
{
	bool *told = calloc(count, sizeof(bool));

	printf("{\"event\":\"%s\",\"command\":\"%s\",\"connections\":[", event, opt.command);
	for (size_t i = 0; i < count; i++) {
		struct end *client = opt.role == SERVER ? NULL : &clients[i];
		struct end *server = client ? server_end_of(client, told, count) : &servers[i];

		printf("%s{\"index\":%zu", i ? "," : "", i);
		print_end("client", client, datagrams);
		print_end("server", server, datagrams);
		putchar('}');
	}
	printf("],\"refused\":[");
	for (size_t i = 0; i < opt.refused; i++) {
		printf("%s{\"index\":%zu", i ? "," : "", i);
		print_end("client", &refused[i], false);
		printf(",\"server\":null}");
	}
	printf("]}\n");
	fflush(stdout);
	free(told);
}

static void print_listening(const uint16_t *ports, size_t count, pid_t server_pid)
{
	printf("{\"event\":\"listening\",\"command\":\"%s\",\"clientPid\":", opt.command);
	printf(opt.role == SERVER ? "null" : "%d", getpid());
	printf(",\"serverPid\":%d,\"ports\":[", server_pid);
	for (size_t i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", ports[i]);
	printf("]}\n");
	fflush(stdout);
}

static void wait_to_start(void)
{
	if (!opt.wait)
		return;
	printf("{\"event\":\"waiting\",\"pid\":%d}\n", getpid());
	wait_for_line();
}

/* ---- the server beside the client: a thread or a process -------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	pid_t pid;
	void (*run)(void);
};

static void *worker_thread(void *worker)
{
	((struct worker *)worker)->run();
	return NULL;
}

static void start_worker(struct worker *worker, void (*run)(void))
{
	worker->run = run;
	worker->pid = getpid();
	if (!opt.forks) {
		if (pthread_create(&worker->thread, NULL, worker_thread, worker))
			die("pthread_create failed");
		return;
	}
	worker->pid = (pid_t)check(fork(), "fork");
	if (worker->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		_exit(0);
	}
}

static void must_succeed(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0), "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("process %d failed", pid);
}

static void join_worker(struct worker *worker)
{
	if (opt.forks)
		must_succeed(worker->pid);
	else
		pthread_join(worker->thread, NULL);
}

struct job {
	pthread_t thread;
	void (*run)(size_t index);
	size_t index;
};

static void *job_thread(void *job)
{
	((struct job *)job)->run(((struct job *)job)->index);
	return NULL;
}

static void start_job(struct job *job, void (*run)(size_t), size_t index)
{
	job->run = run;
	job->index = index;
	if (pthread_create(&job->thread, NULL, job_thread, job))
		die("pthread_create failed");
}

static void for_each_connection(void (*run)(size_t index))
{
	struct job *jobs;

	if (!opt.threads) {
		for (size_t i = 0; i < opt.connections; i++)
			run(i);
		return;
	}
	jobs = calloc(opt.connections, sizeof(*jobs));
	for (size_t i = 0; i < opt.connections; i++)
		start_job(&jobs[i], run, i);
	for (size_t i = 0; i < opt.connections; i++)
		pthread_join(jobs[i].thread, NULL);
	free(jobs);
}

/* ---- TCP ------------------------------------------------------------------------------------------------------------ */

static int listener = -1, passing = -1;
static int *client_fds, *server_fds;

static char *scratch(void)
{
	static __thread char *buffer;

	if (!buffer) {
		buffer = malloc(opt.chunk);
		if (!buffer)
			die("out of memory");
		memset(buffer, 's', opt.chunk);
	}
	return buffer;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void send_all(int fd, struct end *end, size_t bytes)
{
	while (bytes) {
		ssize_t sent = check(send(fd, scratch(), smaller(bytes, opt.chunk), MSG_NOSIGNAL), "send");

		end->sent += (size_t)sent;
		bytes -= (size_t)sent;
	}
}

static void receive_all(int fd, struct end *end, size_t bytes)
{
	while (bytes) {
		ssize_t received = check(recv(fd, scratch(), smaller(bytes, opt.chunk), 0), "recv");

		if (received == 0)
			die("the other end closed %zu bytes early", bytes);
		end->received += (size_t)received;
		bytes -= (size_t)received;
	}
}

static void expect_end(int fd)
{
	char byte;
	ssize_t received = recv(fd, &byte, 1, 0);

	if (received > 0)
		die("more bytes than agreed");
	if (received < 0 && !(errno == ECONNRESET && opt.close == RST))
		die("recv: %s", strerror(errno));
	if (received == 0 && opt.close == RST)
		die("end of file where a reset was due");
}

static bool shuts_down(enum role me, size_t round)
{
	return opt.close == HALF && opt.closer == me && round + 1 == opt.rounds;
}

static void client_request(int fd, struct end *end, size_t round)
{
	send_all(fd, end, opt.send);
	if (shuts_down(CLIENT, round))
		check(shutdown(fd, SHUT_WR), "shutdown");
}

static void server_answer(int fd, struct end *end, size_t round)
{
	receive_all(fd, end, opt.send);
	if (shuts_down(CLIENT, round))
		expect_end(fd);
	if (opt.delay_us)
		usleep(opt.delay_us);
	send_all(fd, end, opt.reply);
	if (shuts_down(SERVER, round))
		check(shutdown(fd, SHUT_WR), "shutdown");
}

static void measure(int fd, struct end *end)
{
	socklen_t size = sizeof(end->info);

	end->has_info = !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &end->info, &size);
}

/* Closes one end. The closer goes first; where it shut down only its direction, it waits for the other like anybody. */
static void finish(int fd, struct end *end, enum role me)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	measure(fd, end);
	if (opt.close == NONE)
		return;
	if (opt.closer != me || opt.close == HALF)
		expect_end(fd);
	else if (opt.close == RST)
		check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), "SO_LINGER");
	close_end(fd, end);
}

static int open_client(struct end *end, size_t index, uint16_t port)
{
	union address server = address_of(opt.client_family, opt.address, port);
	int fd = client_socket(SOCK_STREAM, index);

	end->open_pid = getpid();
	end->opened_ns = now_ns();
	check(connect(fd, &server.any, size_of(&server)), "connect");
	describe(fd, end, true);
	describe_user(end);
	return fd;
}

static void client_connection(size_t index)
{
	struct end *end = &clients[index];
	int fd = open_client(end, index, opt.port);

	for (size_t round = 0; round < opt.rounds; round++) {
		client_request(fd, end, round);
		receive_all(fd, end, opt.reply);
	}
	client_fds[index] = fd;
	measure(fd, end);
	if (!opt.hold)
		finish(fd, end, CLIENT);
}

static void finish_client(size_t index)
{
	finish(client_fds[index], &clients[index], CLIENT);
}

static int accept_end(struct end *end)
{
	int fd = (int)check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");

	end->opened_ns = now_ns();
	end->open_pid = getpid();
	describe(fd, end, true);
	return fd;
}

static void serve(size_t index)
{
	struct end *end = &servers[index];

	describe_user(end);
	for (size_t round = 0; round < opt.rounds; round++)
		server_answer(server_fds[index], end, round);
	measure(server_fds[index], end);
	if (!opt.hold)
		finish(server_fds[index], end, SERVER);
}

static void finish_server(size_t index)
{
	finish(server_fds[index], &servers[index], SERVER);
}

static void send_fd(int socket_, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	check(sendmsg(socket_, &message, MSG_NOSIGNAL), "sendmsg");
}

static int receive_fd(int socket_)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights;
	int fd;

	if (check(recvmsg(socket_, &message, MSG_CMSG_CLOEXEC), "recvmsg") != 1)
		die("no descriptor was passed");
	rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS)
		die("a message without a descriptor");
	memcpy(&fd, CMSG_DATA(rights), sizeof(int));
	return fd;
}

static void wait_for_go(void)
{
	while (sem_wait(go) && errno == EINTR)
		;
}

/* The process that connections are passed to over a Unix socket. */
static void scm_worker(void)
{
	for (size_t i = 0; i < opt.connections; i++) {
		server_fds[i] = receive_fd(passing);
		serve(i);
	}
	if (!opt.hold)
		return;
	wait_for_go();
	for (size_t i = 0; i < opt.connections; i++)
		finish_server(i);
}

static void accept_and_pass_scm(void)
{
	int pair[2];
	pid_t worker;

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
	worker = (pid_t)check(fork(), "fork");
	if (worker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		close(listener);
		passing = pair[1];
		scm_worker();
		_exit(0);
	}
	close(pair[1]);
	for (size_t i = 0; i < opt.connections; i++) {
		int fd = accept_end(&servers[i]);

		send_fd(pair[0], fd);
		close(fd);
	}
	must_succeed(worker);
}

static void accept_and_pass_fork(void)
{
	pid_t *workers = calloc(opt.connections, sizeof(pid_t));

	for (size_t i = 0; i < opt.connections; i++) {
		server_fds[i] = accept_end(&servers[i]);
		workers[i] = (pid_t)check(fork(), "fork");
		if (workers[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve(i);
			if (opt.hold) {
				wait_for_go();
				finish_server(i);
			}
			_exit(0);
		}
		close(server_fds[i]);
	}
	for (size_t i = 0; i < opt.connections; i++)
		must_succeed(workers[i]);
	free(workers);
}

static void accept_and_serve(void)
{
	struct job *jobs = calloc(opt.connections, sizeof(*jobs));

	for (size_t i = 0; i < opt.connections; i++) {
		server_fds[i] = accept_end(&servers[i]);
		if (opt.close_listener && i + 1 == opt.connections)
			check(close(listener), "close");
		if (opt.threads)
			start_job(&jobs[i], serve, i);
		else
			serve(i);
	}
	for (size_t i = 0; opt.threads && i < opt.connections; i++)
		pthread_join(jobs[i].thread, NULL);
	free(jobs);
	if (!opt.hold)
		return;
	wait_for_go();
	for (size_t i = 0; i < opt.connections; i++)
		finish_server(i);
}

static void tcp_server(void)
{
	if (!opt.passes)
		accept_and_serve();
	else if (opt.pass == SCM)
		accept_and_pass_scm();
	else
		accept_and_pass_fork();
}

static void listen_now(void)
{
	check(listen(listener, (int)smaller(opt.connections + 1, 4096)), "listen");
}

static void open_listener(bool listens)
{
	listener = server_socket(SOCK_STREAM, opt.port);
	opt.port = port_of(listener);
	if (listens)
		listen_now();
}

static void hold(void)
{
	if (!opt.hold)
		return;
	print_truth("holding", opt.connections, false);
	wait_for_line();
	/* One post for each process or thread that may wait; surplus posts harm nobody. */
	for (size_t i = 0; i < opt.connections; i++)
		sem_post(go);
}

/* A reply may arrive before the server has noted that it was sent: what is told while holding must be settled. */
static void settle(void)
{
	for (size_t i = 0; i < opt.connections; i++)
		while (!((volatile struct end *)servers)[i].has_info)
			usleep(100);
}

static void serve_alone(void)
{
	struct worker worker;

	opt.forks = false;
	print_listening(&opt.port, 1, getpid());
	wait_to_start();
	start_worker(&worker, tcp_server);
	if (opt.hold)
		settle();
	hold();
	join_worker(&worker);
}

static void connect_alone(void)
{
	wait_to_start();
	for_each_connection(client_connection);
	hold();
	for (size_t i = 0; opt.hold && i < opt.connections; i++)
		finish_client(i);
}

/* From here on the listener is the server's alone. */
static void start_server(struct worker *worker)
{
	start_worker(worker, tcp_server);
	if (opt.forks)
		check(close(listener), "close");
}

static void exchange_with(struct worker *server)
{
	for_each_connection(client_connection);
	if (opt.hold)
		settle();
	hold();
	for (size_t i = 0; opt.hold && i < opt.connections; i++)
		finish_client(i);
	join_worker(server);
}

static void tcp_exchange(void)
{
	struct worker server;

	if (opt.role != CLIENT)
		open_listener(true);
	if (opt.role == SERVER) {
		serve_alone();
	} else if (opt.role == CLIENT) {
		connect_alone();
	} else {
		start_server(&server);
		print_listening(&opt.port, 1, server.pid);
		wait_to_start();
		exchange_with(&server);
	}
	print_truth("done", opt.connections, false);
}

/* Both ends in one thread: nothing is waited for, so a connection lives for microseconds. */
static void short_connections(void)
{
	if (opt.send > 16384 || opt.reply > 16384)
		die("--send and --reply of short connections must fit socket buffers: at most 16384");
	open_listener(true);
	print_listening(&opt.port, 1, getpid());
	wait_to_start();
	for (size_t i = 0; i < opt.connections; i++) {
		int client = open_client(&clients[i], i, opt.port), server = accept_end(&servers[i]);
		bool client_first = (opt.closer == CLIENT) != (opt.close == HALF);

		describe_user(&servers[i]);
		for (size_t round = 0; round < opt.rounds; round++) {
			client_request(client, &clients[i], round);
			server_answer(server, &servers[i], round);
			receive_all(client, &clients[i], opt.reply);
		}
		if (client_first)
			finish(client, &clients[i], CLIENT);
		finish(server, &servers[i], SERVER);
		if (!client_first)
			finish(client, &clients[i], CLIENT);
	}
	print_truth("done", opt.connections, false);
}

static void never_accept(void)
{
	open_listener(true);
	print_listening(&opt.port, 1, getpid());
	wait_to_start();
	if (opt.send > 16384)
		die("--send to nobody must fit the listener's buffer: at most 16384");
	for (size_t i = 0; i < opt.connections; i++) {
		client_fds[i] = open_client(&clients[i], i, opt.port);
		send_all(client_fds[i], &clients[i], opt.send);
	}
	hold();
	for (size_t i = 0; i < opt.connections; i++)
		close_end(client_fds[i], &clients[i]);
	check(close(listener), "close");
	print_truth("done", opt.connections, false);
}

/* Bound before it connects, because a refused socket forgets a port that the kernel chose. */
static void connect_refused(size_t index)
{
	union address server = address_of(opt.client_family, opt.address, opt.port);
	const char *source = opt.source ? opt.source : opt.address ? any_address(opt.client_family) : NULL;
	struct end *end = &refused[index];
	int fd = new_socket(opt.client_family, SOCK_STREAM);

	bind_to(fd, address_of(opt.client_family, source, 0));
	describe(fd, end, false);
	describe_user(end);
	address_text(&server, end->peer_address, &end->peer_port);
	end->open_pid = getpid();
	end->opened_ns = now_ns();
	if (!connect(fd, &server.any, size_of(&server)) || errno != ECONNREFUSED)
		die("connect was not refused");
	close_end(fd, end);
}

/* The port is bound all the time, so that nobody else takes it. */
static void listen_late(void)
{
	struct worker server;

	open_listener(false);
	print_listening(&opt.port, 1, getpid());
	wait_to_start();
	for (size_t i = 0; i < opt.refused; i++)
		connect_refused(i);
	listen_now();
	start_server(&server);
	exchange_with(&server);
	print_truth("done", opt.connections, false);
}

/* ---- UDP ------------------------------------------------------------------------------------------------------------ */

static int *peer_fds;
static uint16_t *peer_ports;

/* Ends of client socket `client` and server socket `peer`: one flow each. */
static size_t flow_of(size_t client, size_t peer)
{
	return client * opt.peers + peer;
}

static void send_datagrams(int fd, const union address *to, struct end *end, size_t count, size_t bytes)
{
	struct iovec part = { scratch(), bytes };
	struct msghdr message = {
		.msg_name = (void *)to, .msg_namelen = to ? size_of(to) : 0, .msg_iov = &part, .msg_iovlen = 1,
	};
	struct mmsghdr *messages;

	if (opt.call == SENDMMSG) {
		messages = calloc(count, sizeof(*messages));
		for (size_t i = 0; i < count; i++)
			messages[i].msg_hdr = message;
		if (check(sendmmsg(fd, messages, (unsigned)count, 0), "sendmmsg") != (long)count)
			die("sendmmsg sent only a part");
		for (size_t i = 0; i < count; i++)
			if (messages[i].msg_len != bytes)
				die("a datagram was cut when sent");
		free(messages);
	} else {
		for (size_t i = 0; i < count; i++) {
			long sent = opt.call == SENDMSG	? sendmsg(fd, &message, 0)
				    : to		? sendto(fd, scratch(), bytes, 0, &to->any, size_of(to))
							: send(fd, scratch(), bytes, 0);

			if (check(sent, "send") != (long)bytes)
				die("a datagram was cut when sent");
		}
	}
	end->messages_sent += count;
	end->sent += count * bytes;
}

static long receive_one(int fd, union address *from, size_t room, int flags)
{
	struct iovec part = { scratch(), room };
	struct msghdr message = { .msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr several = { .msg_hdr = message };
	socklen_t size = sizeof(*from);

	if (opt.call == SENDMMSG) {
		check(recvmmsg(fd, &several, 1, flags, NULL), "recvmmsg");
		return several.msg_len;
	}
	if (opt.call == SENDMSG)
		return check(recvmsg(fd, &message, flags), "recvmsg");
	return check(recvfrom(fd, scratch(), room, flags, &from->any, &size), "recvfrom");
}

/* Receives `count` datagrams of `bytes`; `from` is the sender of the last. One byte of room more shows what is too long. */
static void receive_datagrams(int fd, union address *from, struct end *end, size_t count, size_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		if (opt.peek && receive_one(fd, from, bytes + 1, MSG_PEEK) != (long)bytes)
			die("a datagram of another size, seen by MSG_PEEK");
		if (receive_one(fd, from, bytes + 1, 0) != (long)bytes)
			die("a datagram of another size");
		end->messages_received++;
		end->received += bytes;
	}
}

/* Room for a whole batch, so that no datagram is dropped; the limit of the host applies where we may not pass it. */
static void make_room(int fd)
{
	int bytes = 4 << 20;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), "SO_RCVBUF");
}

static void until_received(size_t flow, uint64_t messages)
{
	while (((volatile struct end *)servers)[flow].messages_received < messages)
		usleep(20);
}

static size_t batch_at(size_t message)
{
	return smaller(opt.batch, opt.messages - message);
}

/* Both sides walk client sockets, batches and peers in the same order, so nothing need be guessed or polled. */
static void udp_server(void)
{
	union address from;

	for (size_t client = 0; client < opt.connections; client++)
		for (size_t message = 0; message < opt.messages; message += opt.batch)
			for (size_t peer = 0; peer < opt.peers; peer++) {
				struct end *end = &servers[flow_of(client, peer)];

				receive_datagrams(peer_fds[peer], &from, end, batch_at(message), opt.send);
				if (!end->used) {
					describe(peer_fds[peer], end, false);
					describe_user(end);
					end->open_pid = getpid();
					end->opened_ns = now_ns();
					address_text(&from, end->peer_address, &end->peer_port);
				}
				if (opt.delay_us)
					usleep(opt.delay_us);
				if (!opt.no_reply)
					send_datagrams(peer_fds[peer], &from, end, batch_at(message), opt.reply);
			}
}

static void udp_client(size_t client)
{
	int fd = client_socket(SOCK_DGRAM, client);
	uint64_t opened_ns = now_ns();

	make_room(fd);
	client_fds[client] = fd;
	for (size_t message = 0; message < opt.messages; message += opt.batch)
		for (size_t peer = 0; peer < opt.peers; peer++) {
			union address to = address_of(opt.client_family, opt.address, peer_ports[peer]), from;
			struct end *end = &clients[flow_of(client, peer)];

			if (opt.connected && (opt.peers > 1 || message == 0))
				check(connect(fd, &to.any, size_of(&to)), "connect");
			send_datagrams(fd, opt.connected ? NULL : &to, end, batch_at(message), opt.send);
			if (!opt.no_reply)
				receive_datagrams(fd, &from, end, batch_at(message), opt.reply);
			else if (opt.role == BOTH)
				until_received(flow_of(client, peer), end->messages_sent);
			describe(fd, end, false);
			describe_user(end);
			end->open_pid = getpid();
			end->opened_ns = opened_ns;
			address_text(&to, end->peer_address, &end->peer_port);
		}
}

static void close_udp(struct end *ends, const int *fds, size_t count, bool by_client)
{
	for (size_t i = 0; i < count; i++) {
		struct end closed = {};

		close_end(fds[i], &closed);
		for (size_t flow = 0; flow < opt.connections * opt.peers; flow++)
			if ((by_client ? flow / opt.peers : flow % opt.peers) == i) {
				ends[flow].closed_ns = closed.closed_ns;
				ends[flow].close_pid = closed.close_pid;
			}
	}
}

/* The server's sockets are closed where they were used, after the client's: no datagram meets a closed port. */
static void udp_server_process(void)
{
	udp_server();
	wait_for_go();
	close_udp(servers, peer_fds, opt.peers, false);
}

static void udp_exchange(void)
{
	size_t flows = opt.connections * opt.peers;
	struct worker worker = {};

	if (opt.send + 1 > opt.chunk || opt.reply + 1 > opt.chunk)
		die("datagrams must be smaller than --chunk");
	for (size_t peer = 0; peer < opt.peers; peer++) {
		if (opt.role == CLIENT) {
			peer_ports[peer] = (uint16_t)(opt.port + peer);
			continue;
		}
		peer_fds[peer] = server_socket(SOCK_DGRAM, opt.port ? (uint16_t)(opt.port + peer) : 0);
		peer_ports[peer] = port_of(peer_fds[peer]);
		make_room(peer_fds[peer]);
	}
	if (opt.role != CLIENT) {
		if (opt.role == SERVER)
			opt.forks = false;
		start_worker(&worker, udp_server_process);
		print_listening(peer_ports, opt.peers, worker.pid);
		if (opt.forks)
			for (size_t peer = 0; peer < opt.peers; peer++)
				check(close(peer_fds[peer]), "close");
	}
	wait_to_start();
	if (opt.role != SERVER)
		for (size_t client = 0; client < opt.connections; client++)
			udp_client(client);
	for (size_t flow = 0; opt.role != CLIENT && flow < flows; flow++) {
		until_received(flow, opt.messages);
		while (!opt.no_reply && ((volatile struct end *)servers)[flow].messages_sent < opt.messages)
			usleep(20);
	}
	if (opt.hold) {
		print_truth("holding", flows, true);
		wait_for_line();
	}
	if (opt.role != SERVER)
		close_udp(clients, client_fds, opt.connections, true);
	if (opt.role != CLIENT) {
		sem_post(go);
		join_worker(&worker);
	}
	print_truth("done", flows, true);
}

/* ---- command line ----------------------------------------------------------------------------------------------------- */

static size_t number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		die("%s is not a number", text);
	return (size_t)value;
}

static uint16_t port(const char *text)
{
	size_t value = number(text);

	if (value > 65535)
		die("%s is not a port", text);
	return (uint16_t)value;
}

static int one_of(const char *text, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(text, names[i]))
			return i;
	die("%s: not one of the choices (--help)", text);
}

#define CHOICE(text, ...) one_of(text, (const char *const[]){ __VA_ARGS__, NULL })

static void parse(int argc, char **argv)
{
	enum { ROLE = 1, FORKS, THREADS, FAMILY, CLIENT_FAMILY, ADDRESS, PORT, SOURCE, CLIENT_PORT, CONNECTIONS, ROUNDS, SENDS,
	       REPLY, CHUNK, DELAY, CLOSE, CLOSER, CLOSE_LISTENER, PASS, REFUSED, PEERS, MESSAGES, BATCH, NO_REPLY, CONNECTED, CALL,
	       PEEK, WAIT, HOLD, DEADLINE, HELP };
	static const struct option options[] = {
		{ "role", 1, NULL, ROLE }, { "fork", 0, NULL, FORKS }, { "threads", 0, NULL, THREADS },
		{ "family", 1, NULL, FAMILY }, { "client-family", 1, NULL, CLIENT_FAMILY }, { "address", 1, NULL, ADDRESS },
		{ "port", 1, NULL, PORT }, { "source", 1, NULL, SOURCE }, { "client-port", 1, NULL, CLIENT_PORT },
		{ "connections", 1, NULL, CONNECTIONS }, { "rounds", 1, NULL, ROUNDS }, { "send", 1, NULL, SENDS },
		{ "reply", 1, NULL, REPLY }, { "chunk", 1, NULL, CHUNK }, { "delay-us", 1, NULL, DELAY },
		{ "close", 1, NULL, CLOSE }, { "closer", 1, NULL, CLOSER }, { "close-listener", 0, NULL, CLOSE_LISTENER },
		{ "pass", 1, NULL, PASS }, { "refused", 1, NULL, REFUSED }, { "peers", 1, NULL, PEERS }, { "messages", 1, NULL, MESSAGES },
		{ "batch", 1, NULL, BATCH }, { "no-reply", 0, NULL, NO_REPLY }, { "connected", 0, NULL, CONNECTED },
		{ "call", 1, NULL, CALL }, { "peek", 0, NULL, PEEK }, { "wait", 0, NULL, WAIT }, { "hold", 0, NULL, HOLD },
		{ "deadline-s", 1, NULL, DEADLINE }, { "help", 0, NULL, HELP }, {},
	};
	bool client_family = false;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case ROLE: opt.role = CHOICE(optarg, "both", "server", "client"); break;
		case FORKS: opt.forks = true; break;
		case THREADS: opt.threads = true; break;
		case FAMILY: opt.family = CHOICE(optarg, "4", "6", "mapped"); break;
		case CLIENT_FAMILY: opt.client_family = CHOICE(optarg, "4", "6", "mapped"); client_family = true; break;
		case ADDRESS: opt.address = optarg; break;
		case PORT: opt.port = port(optarg); break;
		case SOURCE: opt.source = optarg; break;
		case CLIENT_PORT: opt.client_port = port(optarg); break;
		case CONNECTIONS: opt.connections = number(optarg); break;
		case ROUNDS: opt.rounds = number(optarg); break;
		case SENDS: opt.send = number(optarg); break;
		case REPLY: opt.reply = number(optarg); break;
		case CHUNK: opt.chunk = number(optarg); break;
		case DELAY: opt.delay_us = (useconds_t)number(optarg); break;
		case CLOSE: opt.close = CHOICE(optarg, "fin", "rst", "half", "none"); break;
		case CLOSER: opt.closer = CHOICE(optarg, "both", "server", "client"); break;
		case CLOSE_LISTENER: opt.close_listener = true; break;
		case PASS: opt.pass = CHOICE(optarg, "fork", "scm"); break;
		case REFUSED: opt.refused = number(optarg); break;
		case PEERS: opt.peers = number(optarg); break;
		case MESSAGES: opt.messages = number(optarg); break;
		case BATCH: opt.batch = number(optarg); break;
		case NO_REPLY: opt.no_reply = true; break;
		case CONNECTED: opt.connected = true; break;
		case CALL: opt.call = CHOICE(optarg, "send", "sendmsg", "sendmmsg"); break;
		case PEEK: opt.peek = true; break;
		case WAIT: opt.wait = true; break;
		case HOLD: opt.hold = true; break;
		case DEADLINE: opt.deadline_s = (unsigned)number(optarg); break;
		case HELP: fputs(usage, stdout); exit(0);
		default: exit(2);
		}
	}
	if (optind >= argc) {
		fputs(usage, stderr);
		exit(2);
	}
	opt.command = argv[optind++];
	if (!client_family)
		opt.client_family = opt.family;
	if (!strcmp(opt.command, "hold")) {
		opt.hold = true;
		if (optind < argc)
			opt.connections = number(argv[optind++]);
	}
	if (strcmp(opt.command, "listen-late"))
		opt.refused = 0;
	else if (!opt.refused)
		opt.refused = 1;
	if (optind < argc)
		die("what does %s mean?", argv[optind]);
	if (!opt.connections || !opt.rounds || !opt.chunk || !opt.peers || !opt.messages || !opt.batch)
		die("counts must be at least 1");
	if (opt.role == CLIENT && !opt.port)
		die("--role client needs --port");
	if (opt.closer == BOTH)
		die("--closer is client or server");
}

int main(int argc, char **argv)
{
	struct rlimit files;
	size_t ends;

	parse(argc, argv);
	signal(SIGALRM, out_of_time);
	alarm(opt.deadline_s);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	ends = opt.connections * opt.peers;
	clients = shared(ends * sizeof(struct end));
	servers = shared(ends * sizeof(struct end));
	refused = shared(opt.refused * sizeof(struct end));
	go = shared(sizeof(*go));
	sem_init(go, 1, 0);
	client_fds = calloc(opt.connections, sizeof(int));
	server_fds = calloc(opt.connections, sizeof(int));
	peer_fds = calloc(opt.peers, sizeof(int));
	peer_ports = calloc(opt.peers, sizeof(uint16_t));

	if (!strcmp(opt.command, "tcp-exchange") || !strcmp(opt.command, "hold")) {
		tcp_exchange();
	} else if (!strcmp(opt.command, "fork-pass")) {
		opt.forks = opt.passes = true;
		tcp_exchange();
	} else if (!strcmp(opt.command, "short")) {
		short_connections();
	} else if (!strcmp(opt.command, "never-accept")) {
		never_accept();
	} else if (!strcmp(opt.command, "listen-late")) {
		listen_late();
	} else if (!strcmp(opt.command, "udp-exchange")) {
		udp_exchange();
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}
