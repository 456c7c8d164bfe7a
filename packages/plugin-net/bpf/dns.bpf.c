// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * dnsflow: DNS messages to and from port 53, over UDP and TCP, as they leave and reach the sockets in scope.
 *
 * cgroup_skb sees the packets of every socket below a cgroup, whatever its network namespace, on every kernel since 4.10
 * and under lockdown. Only messages are copied; which answer belongs to which query is found out in user space.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "skep/compat.bpf.h"
#include "skep/record.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "skep/scope.bpf.h"
#include "dns.h"
#include "address.bpf.h"
#include "conns.bpf.h"
#include "packet.bpf.h"
#include "socket.bpf.h"
#include "udp_owner.bpf.h"
#include "untranslated.bpf.h"

const volatile bool skip_loopback = true;
const volatile bool skip_ipv6 = false;

#define DNS_HEADER_LEN 12
/* Of one packet: as many as the longest segment that is offloaded has. */
#define MAX_PIECES 16

/* 4,500 messages of the usual length between two readings. It is mapped twice, which every agent pays for. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} dns_events SEC(".maps");

/* Copies `event->captured` bytes (1 to @room) from @at behind the event. */
static __always_inline void tell(struct __sk_buff *skb, const struct dns_event *event, __u32 at, const __u32 room)
{
	struct dns_event *record = bpf_ringbuf_reserve(&dns_events, sizeof(*record) + room, 0);
	__u32 last = event->captured - 1;

	if (!record) {
		skep_count(SKEP_RING_FULL);
		return;
	}
	*record = *event;
	/* Shows the verifier that it is 1 to @room, a power of two. */
	asm volatile("" : "+r"(last));
	if (bpf_skb_load_bytes(skb, at, record + 1, (last & (room - 1)) + 1)) {
		bpf_ringbuf_discard(record, 0);
		skep_count(SKEP_UNREADABLE);
		return;
	}
	bpf_ringbuf_submit(record, 0);
}

/* From @at to the end of the packet, as far as there is room. */
static __always_inline void tell_rest(struct __sk_buff *skb, struct dns_event *event, __u32 at)
{
	__u32 left = skb->len - at;

	event->length = left < 0xffff ? left : 0xffff;
	event->captured = left < DNS_LONG ? left : DNS_LONG;
	if (event->captured <= DNS_BRIEF)
		tell(skb, event, at, DNS_BRIEF);
	else if (event->captured <= DNS_SHORT)
		tell(skb, event, at, DNS_SHORT);
	else
		tell(skb, event, at, DNS_LONG);
}

static __always_inline bool is_hidden(const struct dns_event *event)
{
	if (skip_loopback && (is_loopback(event->src_addr) || is_loopback(event->dst_addr)))
		return true;
	return skip_ipv6 && !(is_mapped_v4(event->src_addr) && is_mapped_v4(event->dst_addr));
}

static __always_inline void own_by_current(struct udp_owner *owner, const bool direct)
{
	if (direct) {
		struct task_struct *task = bpf_get_current_task_btf();

		owner->tgid = task->tgid;
		__builtin_memcpy(owner->comm, task->group_leader->comm, COMM_LEN);
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		owner->tgid = BPF_CORE_READ(task, tgid);
		BPF_CORE_READ_INTO(&owner->comm, task, group_leader, comm);
	}
}

/* A process binds and sends in its own context; what arrives belongs to who did so last. */
static __always_inline void name_udp_owner(struct bpf_sock *sk, struct dns_event *event, bool sending, const bool direct)
{
	struct udp_owner *owner =
		bpf_sk_storage_get(&udp_owners, sk, NULL, sending ? BPF_SK_STORAGE_GET_F_CREATE : 0);

	if (!owner)
		return;
	if (sending)
		own_by_current(owner, direct);
	event->tgid = owner->tgid;
	__builtin_memcpy(event->comm, owner->comm, COMM_LEN);
}

/* TCP also sends from softirq, whoever is interrupted. */
static __always_inline void name_conn_owner(struct sock *sk, struct dns_event *event)
{
	__u64 key = (__u64)sk;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!conn)
		return;
	event->tgid = conn->tgid;
	__builtin_memcpy(event->comm, conn->comm, COMM_LEN);
}

static __always_inline void on_datagram(struct __sk_buff *skb, struct bpf_sock *sk, bool sending, const bool direct)
{
	struct dns_event event = { .transport = IPPROTO_UDP, .flags = sending ? DNS_SENT : 0 };
	struct sock *kernel_sk = kernel_socket(sk, direct);
	__u16 src_port = sk->src_port, connected_to = bpf_ntohs(sk->dst_port);
	struct udp_header udp = {};
	__u32 at;

	if (connected_to && connected_to != DNS_PORT && src_port != DNS_PORT)
		return;
	at = read_ip_header(skb, sending, IPPROTO_UDP, event.src_addr, event.dst_addr);
	if (!at || bpf_skb_load_bytes(skb, at, &udp, sizeof(udp))) {
		if (connected_to || src_port == DNS_PORT)
			skep_count(SKEP_UNREADABLE);
		return;
	}
	event.src_port = src_port;
	event.dst_port = bpf_ntohs(sending ? udp.dest : udp.source);
	/* A packet that leaves has been translated by this host's rules already. */
	if (connected_to) {
		read_addresses(kernel_sk, event.src_addr, event.dst_addr, direct);
		event.dst_port = connected_to;
	} else if (sending) {
		struct ends ends = { event.src_addr, event.dst_addr, &event.src_port, &event.dst_port };

		undo_translation(skb, &ends, direct);
	}
	if ((event.src_port != DNS_PORT && event.dst_port != DNS_PORT) || is_hidden(&event))
		return;
	at += sizeof(udp);
	if (skb->len < at + DNS_HEADER_LEN)
		return;
	name_udp_owner(sk, &event, sending, direct);
	event.netns = netns_of(kernel_sk, direct);
	if (!packet_in_scope(skb, event.tgid, event.netns))
		return;
	event.time_ns = bpf_ktime_get_ns();
	event.socket = bpf_get_socket_cookie(skb);
	tell_rest(skb, &event, at);
}

static __always_inline void on_segment(struct __sk_buff *skb, struct bpf_sock *sk, bool sending, const bool direct)
{
	struct dns_event event = { .transport = IPPROTO_TCP, .flags = sending ? DNS_SENT : 0 };
	struct sock *kernel_sk = kernel_socket(sk, direct);
	__u16 src_port = sk->src_port, dst_port = bpf_ntohs(sk->dst_port);
	struct tcp_header tcp = {};
	__u32 at;

	if (dst_port != DNS_PORT && src_port != DNS_PORT)
		return;
	at = read_ip_header(skb, sending, IPPROTO_TCP, event.src_addr, event.dst_addr);
	if (!at || bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp))) {
		skep_count(SKEP_UNREADABLE);
		return;
	}
	at += tcp.doff * 4;
	if (skb->len <= at)
		return;
	event.src_port = src_port;
	event.dst_port = dst_port;
	read_addresses(kernel_sk, event.src_addr, event.dst_addr, direct);
	if (is_hidden(&event))
		return;
	name_conn_owner(kernel_sk, &event);
	event.netns = netns_of(kernel_sk, direct);
	if (!packet_in_scope(skb, event.tgid, event.netns))
		return;
	event.time_ns = bpf_ktime_get_ns();
	event.socket = bpf_get_socket_cookie(skb);
	event.seq = bpf_ntohl(tcp.seq);
	event.length = event.captured = DNS_LONG;
#pragma clang loop unroll(disable)
	for (int piece = 1; piece < MAX_PIECES && skb->len - at > DNS_LONG; piece++) {
		tell(skb, &event, at, DNS_LONG);
		event.seq += DNS_LONG;
		at += DNS_LONG;
	}
	tell_rest(skb, &event, at);
}

static __always_inline void on_packet(struct __sk_buff *skb, bool sending, const bool direct)
{
	struct bpf_sock *sk = skb->sk;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk)
		return;
	if (sk->protocol == IPPROTO_UDP)
		on_datagram(skb, sk, sending, direct);
	else if (sk->protocol == IPPROTO_TCP)
		on_segment(skb, sk, sending, direct);
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	if (bpf_ksym_exists(bpf_rdonly_cast))
		on_packet(skb, true, true);
	else
		on_packet(skb, true, false);
	return 1;
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	if (bpf_ksym_exists(bpf_rdonly_cast))
		on_packet(skb, false, true);
	else
		on_packet(skb, false, false);
	return 1;
}

/* Who serves DNS is to be known before the first answer. */
static __always_inline void on_bind(struct bpf_sock *sk)
{
	struct udp_owner *owner;

	if (sk->protocol != IPPROTO_UDP || sk->src_port != DNS_PORT)
		return;
	owner = bpf_sk_storage_get(&udp_owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner)
		return;
	if (bpf_ksym_exists(bpf_rdonly_cast))
		own_by_current(owner, true);
	else
		own_by_current(owner, false);
}

SEC("cgroup/post_bind4")
int dns_bind4(struct bpf_sock *sk)
{
	on_bind(sk);
	return 1;
}

SEC("cgroup/post_bind6")
int dns_bind6(struct bpf_sock *sk)
{
	on_bind(sk);
	return 1;
}

SKEP_RECORD(dns_event);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
