/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * UDP sockets do not count, so datagrams are counted per process and peer where they pass.
 *
 * Two maps take turns: programs count in one while user space empties the other, so no count is lost between a read
 * and a delete. `udp_turn` says whose turn it is.
 */
#pragma once

#include "packet.bpf.h"
#include "udp_owner.bpf.h"
#include "untranslated.bpf.h"

#define UDP_FLOWS_MAP                                 \
	__uint(type, BPF_MAP_TYPE_HASH);              \
	__uint(max_entries, 65536);                   \
	__type(key, struct udp_flow_key);             \
	__type(value, struct udp_flow)

struct {
	UDP_FLOWS_MAP;
} udp_flows_0 SEC(".maps");

struct {
	UDP_FLOWS_MAP;
} udp_flows_1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} udp_turn SEC(".maps");

/* Whether the first datagram of a conversation came in or went out, remembered longer than a turn. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct udp_flow_key);
	__type(value, __u8);
} udp_began SEC(".maps");

struct datagram {
	struct udp_flow_key flow;
	__u64 bytes;
	bool sending;
	/* The program chose its port: it serves there. */
	bool port_bound;
	__u32 tgid;
	char comm[COMM_LEN];
};

/*
 * A socket bound to a port serves there. One with a port from the kernel may be a client, or a server that tells its port
 * by other means: then who spoke first decides.
 */
static __always_inline __u8 udp_direction(const struct datagram *datagram)
{
	__u8 direction = datagram->sending ? DIRECTION_OUTGOING : DIRECTION_INCOMING;
	struct udp_flow_key key = datagram->flow;
	__u8 *began;

	if (datagram->port_bound)
		return DIRECTION_INCOMING;
	/* The conversation is the same, whichever process has it in hand. */
	key.owner = 0;
	began = bpf_map_lookup_elem(&udp_began, &key);
	if (began)
		return *began;
	bpf_map_update_elem(&udp_began, &key, &direction, BPF_ANY);
	return direction;
}

static __always_inline void count_in(void *flows, const struct datagram *datagram)
{
	struct udp_flow *flow = bpf_map_lookup_elem(flows, &datagram->flow);

	if (!flow) {
		struct udp_flow fresh = { .direction = udp_direction(datagram) };

		if (skep_not_stored(bpf_map_update_elem(flows, &datagram->flow, &fresh, BPF_NOEXIST)))
			skep_count(SKEP_MAP_FULL);
		flow = bpf_map_lookup_elem(flows, &datagram->flow);
	}
	if (!flow)
		return;
	/* The latest knows best whose socket it is. */
	flow->tgid = datagram->tgid;
	__builtin_memcpy(flow->comm, datagram->comm, COMM_LEN);
	/* Not "either or": clang would compute the member's address, which the verifier cannot follow. */
	__sync_fetch_and_add(&flow->bytes_written, datagram->sending ? datagram->bytes : 0);
	__sync_fetch_and_add(&flow->bytes_read, datagram->sending ? 0 : datagram->bytes);
}

static __always_inline void count_datagram(const struct datagram *datagram)
{
	__u32 zero = 0;
	__u32 *turn = bpf_map_lookup_elem(&udp_turn, &zero);

	if (skip_loopback && (is_loopback(datagram->flow.src_addr) || is_loopback(datagram->flow.dst_addr)))
		return;
	if (skip_ipv6 && !is_mapped_v4(datagram->flow.dst_addr))
		return;
	if (turn && *turn)
		count_in(&udp_flows_1, datagram);
	else
		count_in(&udp_flows_0, datagram);
}

/* --- Stock kernels: where a datagram leaves to IP and where a reader takes one, both in the process. --- */

/* False when the packet is not UDP (ICMP and others leave by the same door). */
static __always_inline bool read_skb_headers(struct sk_buff *skb, bool sending, struct udp_flow_key *flow)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned char *network = head + BPF_CORE_READ(skb, network_header);
	__u8 *here = sending ? flow->src_addr : flow->dst_addr;
	__u8 *there = sending ? flow->dst_addr : flow->src_addr;
	struct udp_header udp = {};
	__u8 version = 0;

	bpf_probe_read_kernel(&version, sizeof(version), network);
	if (version >> 4 == 4) {
		struct ipv4_header ip = {};

		bpf_probe_read_kernel(&ip, sizeof(ip), network);
		if (ip.protocol != IPPROTO_UDP)
			return false;
		map_v4(here, ip.saddr);
		map_v4(there, ip.daddr);
	} else {
		struct ipv6_header ip = {};

		bpf_probe_read_kernel(&ip, sizeof(ip), network);
		__builtin_memcpy(here, ip.saddr, 16);
		__builtin_memcpy(there, ip.daddr, 16);
	}
	bpf_probe_read_kernel(&udp, sizeof(udp), head + BPF_CORE_READ(skb, transport_header));
	flow->src_port = bpf_ntohs(sending ? udp.source : udp.dest);
	flow->dst_port = bpf_ntohs(sending ? udp.dest : udp.source);
	return true;
}

static __always_inline void count_skb(struct sock *sk, struct sk_buff *skb, bool sending, __u32 bytes)
{
	struct datagram datagram = { .sending = sending, .bytes = bytes };
	struct skep_process process = {};

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP)
		return;
	datagram.flow.netns = netns_of(sk, false);
	if (!skep_current_in_scope(datagram.flow.netns) || !read_skb_headers(skb, sending, &datagram.flow))
		return;
	skep_current_process(&process);
	datagram.flow.owner = process.tgid;
	datagram.tgid = process.tgid;
	__builtin_memcpy(datagram.comm, process.comm, COMM_LEN);
	datagram.port_bound = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
	count_datagram(&datagram);
}

/* From the UDP header to the end of the packet, less that header. */
static __always_inline void count_sent(struct sk_buff *skb)
{
	__u32 headers = (__u32)BPF_CORE_READ(skb, transport_header) - BPF_CORE_READ(skb, network_header);
	__u32 length = BPF_CORE_READ(skb, len);

	headers += sizeof(struct udp_header);
	count_skb(BPF_CORE_READ(skb, sk), skb, true, length > headers ? length - headers : 0);
}

/* @len is what the reader gets; negative when it only peeks. */
static __always_inline void count_received(struct sock *sk, struct sk_buff *skb, int len)
{
	if (len >= 0)
		count_skb(sk, skb, false, len);
}

SEC("fentry/ip_send_skb")
int BPF_PROG(udp_tx4_fentry, struct net *net, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("fentry/ip6_send_skb")
int BPF_PROG(udp_tx6_fentry, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("fentry/skb_consume_udp")
int BPF_PROG(udp_rx_fentry, struct sock *sk, struct sk_buff *skb, int len)
{
	count_received(sk, skb, len);
	return 0;
}

SEC("kprobe/ip_send_skb")
int BPF_KPROBE(udp_tx4_kprobe, struct net *net, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("kprobe/ip6_send_skb")
int BPF_KPROBE(udp_tx6_kprobe, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(udp_rx_kprobe, struct sock *sk, struct sk_buff *skb, int len)
{
	count_received(sk, skb, len);
	return 0;
}

/* --- Where those are refused: packets of sockets in the cgroups of the scope. --- */

static __always_inline void own_udp(struct udp_owner *owner, struct task_struct *task)
{
	owner->tgid = task->tgid;
	__builtin_memcpy(owner->comm, task->group_leader->comm, COMM_LEN);
}

/* Length of the headers, or 0 when there is no UDP header where it should be. */
static __always_inline __u32 read_packet_headers(struct __sk_buff *skb, bool sending, struct udp_flow_key *flow)
{
	__u32 at = read_ip_header(skb, sending, IPPROTO_UDP, flow->src_addr, flow->dst_addr);
	struct udp_header udp = {};

	if (!at || bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)))
		return 0;
	flow->src_port = bpf_ntohs(sending ? udp.source : udp.dest);
	flow->dst_port = bpf_ntohs(sending ? udp.dest : udp.source);
	return at + sizeof(udp);
}

static __always_inline void count_packet(struct __sk_buff *skb, bool sending)
{
	struct datagram datagram = { .sending = sending };
	struct bpf_sock *packet_sk = skb->sk;
	struct udp_owner *owner;
	struct sock *sk;
	__u32 headers;

	packet_sk = packet_sk ? bpf_sk_fullsock(packet_sk) : NULL;
	/* TCP counts for itself: this is all it costs a TCP packet. */
	if (!packet_sk || packet_sk->protocol != IPPROTO_UDP)
		return;
	headers = read_packet_headers(skb, sending, &datagram.flow);
	owner = bpf_sk_storage_get(&udp_owners, packet_sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!headers || !owner) {
		skep_count(SKEP_UNREADABLE);
		return;
	}
	if (sending) {
		struct udp_flow_key *flow = &datagram.flow;
		struct ends ends = { flow->src_addr, flow->dst_addr, &flow->src_port, &flow->dst_port };

		undo_translation(skb, &ends, true);
		own_udp(owner, bpf_get_current_task_btf());
	}
	sk = kernel_socket(packet_sk, true);
	datagram.tgid = owner->tgid;
	datagram.flow.owner = bpf_get_socket_cookie(skb);
	datagram.flow.netns = netns_of(sk, true);
	if (!packet_in_scope(skb, datagram.tgid, datagram.flow.netns))
		return;
	datagram.port_bound = BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
	datagram.bytes = skb->len - headers;
	__builtin_memcpy(datagram.comm, owner->comm, COMM_LEN);
	count_datagram(&datagram);
}

SEC("cgroup_skb/egress")
int udp_egress(struct __sk_buff *skb)
{
	if (bpf_ksym_exists(bpf_rdonly_cast))
		count_packet(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int udp_ingress(struct __sk_buff *skb)
{
	if (bpf_ksym_exists(bpf_rdonly_cast))
		count_packet(skb, false);
	return 1;
}

SEC("cgroup/sock_create")
int udp_create(struct bpf_sock *sk)
{
	struct udp_owner *owner;

	if (sk->protocol != IPPROTO_UDP)
		return 1;
	owner = bpf_sk_storage_get(&udp_owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (owner)
		own_udp(owner, bpf_get_current_task_btf());
	return 1;
}

/* Sockets from before our time. */
SEC("iter/task_file")
int seed_udp(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = socket_of(ctx->file, IPPROTO_UDP);
	struct udp_owner *owner;

	tell_progress(ctx->meta->seq);
	if (!task || !sk)
		return 0;
	owner = bpf_sk_storage_get(&udp_owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (owner && !owner->tgid)
		own_udp(owner, task);
	return 0;
}
