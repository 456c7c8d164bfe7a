// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Probes in Go programs: which goroutine made which, and for whom those write that write to a connection for others (net/http's
 * client, grpc-go). An object of its own, since a host without uprobes traces all the same.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "skep/record.bpf.h"
#include "go.bpf.h"

/* Who made a goroutine, and when. Those longest unused are displaced: of them nothing is known any more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct go_routine);
	__type(value, struct go_origin);
} go_origins SEC(".maps");

/* A connection of net/http's client. */
struct go_client {
	/* Address of its persistConn. */
	__u64 conn;
	__u32 tgid;
	__u32 _pad;
};

/* -> id of the goroutine whose request it carries. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct go_client);
	__type(value, __u64);
} go_clients SEC(".maps");

/* What grpc-go is to send, by where its headers are. */
struct go_headers {
	__u64 address;
	__u32 tgid;
	__u32 _pad;
};

/* -> id of the goroutine that wants it sent. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct go_headers);
	__type(value, __u64);
} go_headers SEC(".maps");

/* -> id of the goroutine that wanted the stream's first headers sent: of the one that asks, or of the one that answers. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct go_stream);
	__type(value, __u64);
} go_streams SEC(".maps");

static __always_inline __u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* A `go` statement calls func runqput(pp *p, gp *g, next bool) with the goroutine it has made, on the scheduler's stack. */
SEC("uprobe")
int go_created(struct pt_regs *ctx)
{
	struct go_routine made = { .tgid = current_tgid() };
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &made.tgid);
	struct go_origin origin = { .created_ns = bpf_ktime_get_ns() };
	__u64 g = GO_SECOND(ctx);

	if (!program || !program->parent_goid)
		return 0;
	made.goid = go_id(program, g);
	if (!made.goid || bpf_probe_read_user(&origin.parent, sizeof(origin.parent), (void *)(g + program->parent_goid)))
		return 0;
	if (origin.parent)
		bpf_map_update_elem(&go_origins, &made, &origin, BPF_ANY);
	return 0;
}

/* func goexit1(), on the stack of the goroutine that ends */
SEC("uprobe")
int go_ended(struct pt_regs *ctx)
{
	struct go_routine ended = { .tgid = current_tgid() };
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &ended.tgid);
	struct go_origin *origin;

	if (!program)
		return 0;
	ended.goid = go_id(program, GO_G(ctx));
	origin = bpf_map_lookup_elem(&go_origins, &ended);
	if (origin)
		origin->ended_ns = bpf_ktime_get_ns();
	return 0;
}

/*
 * net/http: func (pc *persistConn) roundTrip(req *transportRequest) runs in the goroutine that asks, and lets the connection's
 * writeLoop write the request. A connection carries one request at a time: the next one's roundTrip begins when the response
 * is read to its end and the request is written to its end.
 */
SEC("uprobe")
int go_http_ask(struct pt_regs *ctx)
{
	struct go_client client = { .conn = GO_FIRST(ctx), .tgid = current_tgid() };
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &client.tgid);
	__u64 asker;

	if (!program)
		return 0;
	asker = go_id(program, GO_G(ctx));
	/* Whoever asked before does not any more, even if this cannot be stored. */
	if (bpf_map_update_elem(&go_clients, &client, &asker, BPF_ANY))
		bpf_map_delete_elem(&go_clients, &client);
	return 0;
}

/* func (w persistConnWriter) Write(p []byte) (n int, err error), w.pc being all of w, in the goroutine of writeLoop */
SEC("uprobe")
int go_http_write(struct pt_regs *ctx)
{
	struct go_client client = { .conn = GO_FIRST(ctx), .tgid = current_tgid() };
	struct go_routine writer = { .tgid = client.tgid };
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &client.tgid);
	__u64 *asker, nobody = 0;

	if (!program)
		return 0;
	writer.goid = go_id(program, GO_G(ctx));
	if (!writer.goid)
		return 0;
	asker = bpf_map_lookup_elem(&go_clients, &client);
	if (bpf_map_update_elem(&go_askers, &writer, asker ? asker : &nobody, BPF_ANY))
		bpf_map_delete_elem(&go_askers, &writer);
	/* It serves whoever asks next, not the one during whose request the connection was made. */
	bpf_map_delete_elem(&go_origins, &writer);
	return 0;
}

/*
 * grpc-go: whoever wants something sent, client or server, puts it into its connection's buffer, of which one goroutine writes
 * to the socket: func (c *controlBuffer) executeAndPut(f func() bool, it cbItem), an interface being two words.
 *
 * What has headers has their address in its second word. What is read of anything else there, or of what another version puts,
 * is never asked for below: while it waits to be sent no two have one address.
 */
SEC("uprobe")
int go_grpc_put(struct pt_regs *ctx)
{
	struct go_headers headers = { .tgid = current_tgid() };
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &headers.tgid);
	__u64 goid;

	if (!program || bpf_probe_read_user(&headers.address, sizeof(headers.address), (void *)(GO_FOURTH(ctx) + 8)))
		return 0;
	goid = go_id(program, GO_G(ctx));
	if (bpf_map_update_elem(&go_headers, &headers, &goid, BPF_ANY))
		bpf_map_delete_elem(&go_headers, &headers);
	return 0;
}

/*
 * func (l *loopyWriter) writeHeader(streamID uint32, endStream bool, hf []hpack.HeaderField, onWrite func()), in the goroutine
 * that writes.
 */
SEC("uprobe")
int go_grpc_headers(struct pt_regs *ctx)
{
	struct go_headers headers = { .address = GO_FOURTH(ctx), .tgid = current_tgid() };
	struct go_stream stream = { .tgid = headers.tgid, .stream = (__u32)GO_SECOND(ctx) };
	struct go_program *program = bpf_map_lookup_elem(&go_programs, &headers.tgid);
	struct go_routine writer = { .tgid = headers.tgid };
	__u64 *goid;

	if (!program)
		return 0;
	writer.goid = stream.writer = go_id(program, GO_G(ctx));
	if (!writer.goid)
		return 0;
	/* It serves whoever asks, not the one during whose request the connection was made. */
	bpf_map_delete_elem(&go_origins, &writer);
	goid = bpf_map_lookup_elem(&go_headers, &headers);
	/* Of trailers it is known by then. */
	if (goid && *goid)
		bpf_map_update_elem(&go_streams, &stream, goid, BPF_NOEXIST);
	return 0;
}

SKEP_RECORD(go_program);
SKEP_RECORD(go_routine);
SKEP_RECORD(go_origin);
SKEP_RECORD(go_stream);

char LICENSE[] SEC("license") = "Dual MIT/GPL";
