/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * UDP sockets do not count, so datagrams are counted per process and peer where they pass.
 *
 * Two maps take turns: programs count in one while user space empties the other, so no count is lost between a read
 * and a delete. `udp_turn` says whose turn it is.
 */
#pragma once

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

static __always_inline int count_in(void *flows, const struct udp_flow_key *key, __u64 read, __u64 written,
				    const char *comm)
{
	struct udp_flow *flow = bpf_map_lookup_elem(flows, key);
	struct udp_flow fresh = {};

	if (!flow) {
		__builtin_memcpy(fresh.comm, comm, COMM_LEN);
		if (bpf_map_update_elem(flows, key, &fresh, BPF_NOEXIST) == -7 /* E2BIG */) {
			skep_count(SKEP_MAP_FULL);
			return 0;
		}
		flow = bpf_map_lookup_elem(flows, key);
	}
	if (!flow)
		return 0;
	if (read)
		__sync_fetch_and_add(&flow->bytes_read, read);
	if (written)
		__sync_fetch_and_add(&flow->bytes_written, written);
	return 0;
}

static __always_inline void count_datagram(const struct udp_flow_key *key, __u64 read, __u64 written, const char *comm)
{
	__u32 zero = 0;
	__u32 *turn = bpf_map_lookup_elem(&udp_turn, &zero);

	if (skip_loopback && (is_loopback(key->src_addr) || is_loopback(key->dst_addr)))
		return;
	if (skip_ipv6 && !is_mapped_v4(key->dst_addr))
		return;
	if (turn && *turn)
		count_in(&udp_flows_1, key, read, written, comm);
	else
		count_in(&udp_flows_0, key, read, written, comm);
}

/* A socket bound to a port by its program serves there; one that got its port from the kernel asks. */
static __always_inline __u8 udp_direction(__u64 userlocks)
{
	return userlocks & SOCK_BINDPORT_LOCK ? DIRECTION_INCOMING : DIRECTION_OUTGOING;
}

/* --- Stock kernels: where a datagram leaves to IP and where a reader takes one, both in the process. --- */

static __always_inline void flow_of_skb(struct sk_buff *skb, bool sending, struct udp_flow_key *key, __u8 *protocol)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned char *network = head + BPF_CORE_READ(skb, network_header);
	struct udp_header udp = {};
	__u8 version = 0;

	bpf_probe_read_kernel(&version, sizeof(version), network);
	if (version >> 4 == 4) {
		struct ipv4_header ip = {};

		bpf_probe_read_kernel(&ip, sizeof(ip), network);
		*protocol = ip.protocol;
		map_v4(sending ? key->src_addr : key->dst_addr, ip.saddr);
		map_v4(sending ? key->dst_addr : key->src_addr, ip.daddr);
	} else {
		struct ipv6_header ip = {};

		bpf_probe_read_kernel(&ip, sizeof(ip), network);
		*protocol = IPPROTO_UDP;
		__builtin_memcpy(sending ? key->src_addr : key->dst_addr, ip.saddr, 16);
		__builtin_memcpy(sending ? key->dst_addr : key->src_addr, ip.daddr, 16);
	}
	bpf_probe_read_kernel(&udp, sizeof(udp), head + BPF_CORE_READ(skb, transport_header));
	key->src_port = bpf_ntohs(sending ? udp.source : udp.dest);
	key->dst_port = bpf_ntohs(sending ? udp.dest : udp.source);
}

static __always_inline void count_skb(struct sock *sk, struct sk_buff *skb, bool sending, __s64 bytes)
{
	struct skep_process process = {};
	struct udp_flow_key key = {};
	__u8 protocol = 0;

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP)
		return;
	key.netns = netns_of(sk, false);
	if (!skep_current_in_scope(key.netns))
		return;
	flow_of_skb(skb, sending, &key, &protocol);
	if (protocol != IPPROTO_UDP)
		return;
	skep_current_process(&process);
	key.tgid = process.tgid;
	key.direction = udp_direction(BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks));
	count_datagram(&key, sending ? 0 : bytes, sending ? bytes : 0, process.comm);
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
int BPF_PROG(udp_send4_fentry, struct net *net, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("fentry/ip6_send_skb")
int BPF_PROG(udp_send6_fentry, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("fentry/skb_consume_udp")
int BPF_PROG(udp_recv_fentry, struct sock *sk, struct sk_buff *skb, int len)
{
	count_received(sk, skb, len);
	return 0;
}

SEC("kprobe/ip_send_skb")
int BPF_KPROBE(udp_send4_kprobe, struct net *net, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("kprobe/ip6_send_skb")
int BPF_KPROBE(udp_send6_kprobe, struct sk_buff *skb)
{
	count_sent(skb);
	return 0;
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(udp_recv_kprobe, struct sock *sk, struct sk_buff *skb, int len)
{
	count_received(sk, skb, len);
	return 0;
}

/* --- Where those are refused: packets of sockets in the cgroups of the scope. --- */

/* Who uses a socket. Packets arrive outside any process, so it is noted when the socket is made and when it sends. */
struct udp_owner {
	__u32 tgid;
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct udp_owner);
} udp_owners SEC(".maps");

static __always_inline void own_udp(struct udp_owner *owner, struct task_struct *task)
{
	owner->tgid = task->tgid;
	__builtin_memcpy(owner->comm, task->group_leader->comm, COMM_LEN);
}

static __always_inline void count_packet(struct __sk_buff *skb, bool sending)
{
	struct bpf_sock *bpf_sk = skb->sk;
	struct udp_flow_key key = {};
	struct udp_owner *owner;
	struct udp_header udp = {};
	struct sock *sk;
	__u32 headers;

	if (!bpf_sk)
		return;
	bpf_sk = bpf_sk_fullsock(bpf_sk);
	/* TCP counts for itself: this is all it costs a TCP packet. */
	if (!bpf_sk || bpf_sk->protocol != IPPROTO_UDP)
		return;
	if (skb->protocol == bpf_htons(0x0800)) {
		struct ipv4_header ip = {};

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return;
		headers = ip.ihl * 4;
		map_v4(sending ? key.src_addr : key.dst_addr, ip.saddr);
		map_v4(sending ? key.dst_addr : key.src_addr, ip.daddr);
	} else {
		struct ipv6_header ip = {};

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return;
		/* With extension headers the UDP header is elsewhere. */
		if (ip.nexthdr != IPPROTO_UDP) {
			skep_count(SKEP_UNREADABLE);
			return;
		}
		headers = sizeof(ip);
		__builtin_memcpy(sending ? key.src_addr : key.dst_addr, ip.saddr, 16);
		__builtin_memcpy(sending ? key.dst_addr : key.src_addr, ip.daddr, 16);
	}
	if (bpf_skb_load_bytes(skb, headers, &udp, sizeof(udp)))
		return;
	headers += sizeof(udp);
	key.src_port = bpf_ntohs(sending ? udp.source : udp.dest);
	key.dst_port = bpf_ntohs(sending ? udp.dest : udp.source);
	owner = bpf_sk_storage_get(&udp_owners, bpf_sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner) {
		skep_count(SKEP_MAP_FULL);
		return;
	}
	if (sending)
		own_udp(owner, bpf_get_current_task_btf());
	key.tgid = owner->tgid;
	sk = bpf_rdonly_cast(bpf_sk, bpf_core_type_id_kernel(struct sock));
	key.netns = netns_of(sk, true);
	key.direction = udp_direction(BPF_CORE_READ_BITFIELD(sk, sk_userlocks));
	/* The attachment is the scope by cgroup; the other kinds are asked here. */
	if ((skep_scope_mask & ~SKEP_SCOPE_CGROUPS) && !skep_netns_in_scope(key.netns) && !skep_pid_in_scope(key.tgid) &&
	    !(skep_scope_mask & SKEP_SCOPE_CGROUPS))
		return;
	count_datagram(&key, sending ? 0 : skb->len - headers, sending ? skb->len - headers : 0, owner->comm);
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

	if (!task || !sk)
		return 0;
	owner = bpf_sk_storage_get(&udp_owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (owner && !owner->tgid)
		own_udp(owner, task);
	return 0;
}
