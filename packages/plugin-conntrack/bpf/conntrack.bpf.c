// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Entries of connection tracking that translate the destination: two events in the life of a flow, none per packet. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include "skep/record.bpf.h"
#include "skep/stats.bpf.h"
#include "skep/task.bpf.h"
#include "skep/scope.bpf.h"
#include "skep/scope_fork.bpf.h"
#include "conntrack.h"

/* linux/netfilter/nf_conntrack_common.h */
#define IPS_CONFIRMED (1 << 3)
#define IP_CT_DIR_ORIGINAL 0
#define IP_CT_DIR_REPLY 1

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} entries SEC(".maps");

/*
 * Hashes of tuples that were translated lately. An end is told for them; and when such a tuple is used again without
 * translation user space must hear of it, which it need not of the many others that never were translated.
 * Two tuples with one hash cost a record that tells nothing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u8);
} translated SEC(".maps");

/* @direct: the pointer comes from BTF, so it can be followed. */
#define CT(direct, ct, member) ((direct) ? (ct)->member : BPF_CORE_READ(ct, member))

#define READ_ADDRESS(direct, address, ct, family, tuple_end)                                                    \
	do {                                                                                                    \
		__u32 *words = (__u32 *)(address);                                                              \
		if ((family) == AF_INET) {                                                                      \
			words[2] = bpf_htonl(0xffff);                                                           \
			words[3] = CT(direct, ct, tuple_end.u3.all[0]);                                         \
		} else {                                                                                        \
			words[0] = CT(direct, ct, tuple_end.u3.all[0]);                                         \
			words[1] = CT(direct, ct, tuple_end.u3.all[1]);                                         \
			words[2] = CT(direct, ct, tuple_end.u3.all[2]);                                         \
			words[3] = CT(direct, ct, tuple_end.u3.all[3]);                                         \
		}                                                                                               \
	} while (0)

#define ORIGINAL tuplehash[IP_CT_DIR_ORIGINAL].tuple
#define REPLY tuplehash[IP_CT_DIR_REPLY].tuple

/* False for what is neither TCP nor UDP. @record is all zero. */
static __always_inline bool read_entry(struct nf_conn *ct, struct nat_record *record, const bool direct)
{
	__u16 family = CT(direct, ct, ORIGINAL.src.l3num);

	record->transport = CT(direct, ct, ORIGINAL.dst.protonum);
	if (record->transport != IPPROTO_TCP && record->transport != IPPROTO_UDP)
		return false;
	if (family != AF_INET && family != AF_INET6)
		return false;
	READ_ADDRESS(direct, record->src_addr, ct, family, ORIGINAL.src);
	READ_ADDRESS(direct, record->dst_addr, ct, family, ORIGINAL.dst);
	READ_ADDRESS(direct, record->nat_addr, ct, family, REPLY.src);
	record->src_port = bpf_ntohs(CT(direct, ct, ORIGINAL.src.u.all));
	record->dst_port = bpf_ntohs(CT(direct, ct, ORIGINAL.dst.u.all));
	record->nat_port = bpf_ntohs(CT(direct, ct, REPLY.src.u.all));
	record->netns = direct ? ct->ct_net.net->ns.inum : BPF_CORE_READ(ct, ct_net.net, ns.inum);
	if (bpf_core_field_exists(ct->zone))
		record->zone = CT(direct, ct, zone.id);
	return true;
}

/* Source translation alone leaves the destination as the client wrote it. */
static __always_inline bool is_translated(const struct nat_record *record)
{
	const __u32 *dst = (const __u32 *)record->dst_addr, *nat = (const __u32 *)record->nat_addr;

	return record->dst_port != record->nat_port || dst[0] != nat[0] || dst[1] != nat[1] || dst[2] != nat[2] ||
	       dst[3] != nat[3];
}

/* Of what says which entry it is: the kind is not set yet. */
static __always_inline __u64 tuple_hash(const struct nat_record *record)
{
	const __u32 *words = (const __u32 *)record;
	__u64 hash = 0;

#pragma unroll
	for (int word = 0; word < NAT_TUPLE_WORDS; word++) {
		hash = (hash ^ words[word]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	return hash;
}

static __always_inline void tell(struct nat_record *record, enum nat_kind kind)
{
	record->kind = kind;
	if (bpf_ringbuf_output(&entries, record, sizeof(*record), 0))
		skep_count(SKEP_RING_FULL);
}

/* The first packet has passed, usually in the context of the process that sent it. */
static __always_inline void on_insert(struct nf_conn *ct, const bool direct)
{
	struct nat_record record = {};
	__u8 one = 1;
	__u64 hash;

	if (!read_entry(ct, &record, direct))
		return;
	hash = tuple_hash(&record);
	if (is_translated(&record)) {
		if (!skep_current_in_scope(record.netns))
			return;
		bpf_map_update_elem(&translated, &hash, &one, BPF_ANY);
		tell(&record, NAT_TRANSLATED);
	} else if (bpf_map_lookup_elem(&translated, &hash)) {
		bpf_map_delete_elem(&translated, &hash);
		tell(&record, NAT_PLAIN);
	}
}

/* In any context: whose entry it was, the map knows. */
static __always_inline void on_end(struct nf_conn *ct)
{
	struct nat_record record = {};
	__u8 one = 1;
	__u64 hash;

	if (!(BPF_CORE_READ(ct, status) & IPS_CONFIRMED))
		return;
	if (!read_entry(ct, &record, false) || !is_translated(&record))
		return;
	hash = tuple_hash(&record);
	if (skep_scope_mask && !bpf_map_lookup_elem(&translated, &hash))
		return;
	/* Also for entries older than the agent, which it has from a dump. */
	bpf_map_update_elem(&translated, &hash, &one, BPF_ANY);
	tell(&record, NAT_ENDED);
}

SEC("fentry/__nf_conntrack_hash_insert")
int BPF_PROG(insert_fentry, struct nf_conn *ct)
{
	on_insert(ct, true);
	return 0;
}

SEC("kprobe/__nf_conntrack_hash_insert")
int BPF_KPROBE(insert_kprobe, struct nf_conn *ct)
{
	on_insert(ct, false);
	return 0;
}

/* struct nf_conntrack is the first member of struct nf_conn. */
SEC("fentry/nf_ct_destroy")
int BPF_PROG(end_fentry, void *nfct)
{
	on_end(nfct);
	return 0;
}

SEC("kprobe/nf_ct_destroy")
int BPF_KPROBE(end_kprobe, void *nfct)
{
	on_end(nfct);
	return 0;
}

SKEP_RECORD(nat_record);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
