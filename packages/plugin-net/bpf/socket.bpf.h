/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Sockets as the kernel sees them, read in either of two ways. */
#pragma once

/*
 * Reads a member of a socket. @direct: the pointer comes from BTF (tracepoint, iterator, cast), so it can be followed;
 * the only way under lockdown. Otherwise by probe read.
 */
#define SK(direct, sk, member) ((direct) ? (sk)->member : BPF_CORE_READ(sk, member))

static __always_inline __u32 netns_of(struct sock *sk, const bool direct)
{
	return direct ? sk->__sk_common.skc_net.net->ns.inum : BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/*
 * The kernel's socket behind that of a networking program. @direct: by bpf_rdonly_cast; otherwise an address for probe
 * reads. The verifier allows no arithmetic on the program's pointer; read back from the stack it is a number.
 */
static __always_inline struct sock *kernel_socket(struct bpf_sock *program_sk, const bool direct)
{
	__u64 address = 0;

	if (direct)
		return bpf_rdonly_cast(program_sk, bpf_core_type_id_kernel(struct sock));
	bpf_probe_read_kernel(&address, sizeof(address), &program_sk);
	return (struct sock *)address;
}

/* The addresses of both ends, the local one first. False when it is neither IPv4 nor IPv6. */
static __always_inline bool read_addresses(struct sock *sk, __u8 *src_addr, __u8 *dst_addr, const bool direct)
{
	__u16 family = SK(direct, sk, __sk_common.skc_family);

	if (family == AF_INET) {
		map_v4(src_addr, SK(direct, sk, __sk_common.skc_rcv_saddr));
		map_v4(dst_addr, SK(direct, sk, __sk_common.skc_daddr));
	} else if (family == AF_INET6) {
		__u32 *src = (__u32 *)src_addr, *dst = (__u32 *)dst_addr;

#pragma unroll
		for (int word = 0; word < 4; word++) {
			src[word] = SK(direct, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[word]);
			dst[word] = SK(direct, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[word]);
		}
	} else {
		return false;
	}
	return true;
}

/* inet_sport, because skc_num is taken back before a socket goes to CLOSE. */
static __always_inline __u16 local_port(struct tcp_sock *tp, const bool direct)
{
	return bpf_ntohs(SK(direct, tp, inet_conn.icsk_inet.inet_sport));
}

static __always_inline __u16 peer_port(struct sock *sk, const bool direct)
{
	return bpf_ntohs(SK(direct, sk, __sk_common.skc_dport));
}
