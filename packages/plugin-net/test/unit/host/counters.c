/* SPDX-License-Identifier: MIT */
/* Runs the arithmetic of the BPF side on the cases of cases.h (written by counters.host.test.ts); prints JSON. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "netflow.h"
#include "address.bpf.h"
#include "counters.bpf.h"

struct written_case {
	__u64 bytes_acked;
	__u32 write_seq, snd_una;
	bool sent_syn, sent_fin;
};

struct read_case {
	__u64 bytes_received;
	__u32 rcv_nxt, copied_seq;
	bool received_fin;
};

#include "cases.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define COMMA(at) ((at) ? "," : "")

static void print_counters(void)
{
	printf("\"written\":[");
	for (unsigned long at = 0; at < LENGTH(written_cases); at++) {
		const struct written_case *each = &written_cases[at];

		printf("%s\"%llu\"", COMMA(at),
		       tcp_bytes_written(each->bytes_acked, each->write_seq, each->snd_una, each->sent_syn, each->sent_fin));
	}
	printf("],\"read\":[");
	for (unsigned long at = 0; at < LENGTH(read_cases); at++) {
		const struct read_case *each = &read_cases[at];

		printf("%s\"%llu\"", COMMA(at),
		       tcp_bytes_read(each->bytes_received, each->rcv_nxt, each->copied_seq, each->received_fin));
	}
	printf("]");
}

static void print_addresses(void)
{
	printf("\"mapped\":[");
	for (unsigned long at = 0; at < LENGTH(v4_cases); at++) {
		__u8 address[16] __attribute__((aligned(4)));

		__builtin_memset(address, 0xa5, sizeof(address));
		map_v4(address, bpf_htonl(v4_cases[at]));
		printf("%s\"", COMMA(at));
		for (int byte = 0; byte < 16; byte++)
			printf("%02x", address[byte]);
		printf("\"");
	}
	printf("],\"kinds\":[");
	for (unsigned long at = 0; at < LENGTH(address_cases); at++)
		printf("%s[%d,%d]", COMMA(at), is_mapped_v4(address_cases[at]), is_loopback(address_cases[at]));
	printf("]");
}

static void print_states(void)
{
	static const int states[] = {
		TCP_ESTABLISHED, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT,
		TCP_CLOSE,	 TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING,
	};

	printf("\"sentFin\":[");
	for (unsigned long at = 0; at < LENGTH(states); at++)
		printf("%s%d", COMMA(at), tcp_state_sent_fin(states[at]));
	printf("]");
}

int main(void)
{
	printf("{");
	print_counters();
	printf(",");
	print_addresses();
	printf(",");
	print_states();
	printf(",\"flags\":[%d,%d,%d,%d,%d],\"directions\":[%d,%d,%d]}\n", CONN_ESTABLISHED, CONN_OLDER, CONN_ORPHAN,
	       CONN_CLOSED, CONN_OWNER_ASSUMED, DIRECTION_UNKNOWN, DIRECTION_INCOMING, DIRECTION_OUTGOING);
	return 0;
}
