/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Application bytes from the counters every TCP socket keeps anyway (tcp_sock). Pure arithmetic: tested on the host.
 *
 * bytes_acked starts at the initial sequence number of a socket that connected and right after it in one that was
 * accepted (tcp_connect_init, tcp_create_openreq_child), so the SYN counts in the former only. A FIN counts as a byte in
 * both directions. Adding the 32-bit distance to a 64-bit counter keeps the sum exact beyond 4 GiB.
 */
#pragma once

static __always_inline __u64 tcp_bytes_written(__u64 bytes_acked, __u32 write_seq, __u32 snd_una, bool sent_syn, bool sent_fin)
{
	__u64 sequence_space = bytes_acked + (__u32)(write_seq - snd_una);
	__u64 overhead = (sent_syn ? 1 : 0) + (sent_fin ? 1 : 0);

	return sequence_space > overhead ? sequence_space - overhead : 0;
}

/* @received_fin: the peer's FIN is in sequence (SOCK_DONE); it is consumed when the reader saw the end of the stream. */
static __always_inline __u64 tcp_bytes_read(__u64 bytes_received, __u32 rcv_nxt, __u32 copied_seq, bool received_fin)
{
	__u32 unread = rcv_nxt - copied_seq;
	__u64 overhead = received_fin && unread == 0 ? 1 : 0;

	/* Read without the socket lock the two can be from different instants; the next reading mends it. */
	if (unread > 0x7fffffff)
		unread = 0;
	return bytes_received > unread + overhead ? bytes_received - unread - overhead : 0;
}

/* Whether a FIN was queued by a socket in this state (or leaving it for CLOSE). */
static __always_inline bool tcp_state_sent_fin(int state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING || state == TCP_LAST_ACK ||
	       state == TCP_TIME_WAIT;
}
