// SPDX-License-Identifier: MIT

import { defineMeasurement, field, optionalField, optionalTag, tag } from "../measurement.js";
import { protocolFields } from "./protocol-fields.js";

/** Which of a process's calls a span is: one it was asked for, or one it made. */
export type SpanType = "entry" | "exit";

/**
 * A span: one request and its response, seen at one end of a connection. An agent sends spans without any trace; the linker ties
 * them (@skep/linker) and fills in what is said to be assigned by it.
 *
 * What the linker needs of an agent:
 *
 * * **Between processes.** `req_seq` and `resp_seq` with the two addresses name the exchange; both ends of a connection see the
 *   same numbers, so they must be those of the wire: of the first byte of the request and of the first byte of its response
 *   (HTTP/2: of the first frame of each). A response that never came has the number its first byte would have had; where that cannot
 *   be known (HTTP/2), 0. `src` is this end, `dst` the peer; with destination NAT `dst_nat_ip` and `dst_nat_port` say where
 *   the connection really went.
 * * **Inside a process.** A span that was asked for (`entry`, `incoming`) and the calls made on its behalf (`exit`, `outgoing`)
 *   share `thread_trace_id`. A call whose cause is not certain gets an id of its own: unlinked is allowed, wrong is not.
 * * **Identity.** `host`, `pid`, `tid`, `tid_usr`, `ktime`, `start`, direction, addresses and numbers tell a span from every other,
 *   also from the one that is sent a second time. Ids are made of them, so they must be the same in each copy.
 *
 * On the wire to a DataKit server keys are fields (its tags and fields share one name space); over OTLP they are attributes of the
 * same names.
 */
export const spanMeasurement = defineMeasurement({
  name: "dketrace",
  category: "tracing",
  description: "A request and its response at one end of a connection; linked spans form the tree of a trace",
  tags: {
    service: tag(
      "name of the traced service: DK_BPFTRACE_SERVICE, DD_SERVICE or OTEL_SERVICE_NAME of the process, else its name. A tag too " +
        "because core gives every point without one the service of the agent",
    ),
    host: optionalTag("host of the process; set by core"),
  },
  fields: {
    service: field("string", "1", "the same as the tag"),
    source_type: field("string", "1", "always `ebpf`"),
    ebpf_span_type: field("string", "1", "`entry`: asked for by a peer; `exit`: asked of a peer", "dimension"),
    span_type: field("string", "1", "the same as ebpf_span_type", "dimension"),
    direction: field("string", "1", "`incoming` or `outgoing`", "dimension"),
    req_seq: field("int", "1", "TCP sequence number of the request's first byte", "dimension"),
    resp_seq: field("int", "1", "TCP sequence number of the response's first byte", "dimension"),
    thread_trace_id: field("int", "1", "what a request and the calls made for it share; 64 bits, signed", "dimension"),
    tid: optionalField("int", "1", "kernel thread that read an incoming request or wrote an outgoing one", "dimension"),
    tid_usr: optionalField("int", "1", "goroutine (or other thread of a runtime), where there is one", "dimension"),
    ktime: field("int", "ns", "CLOCK_MONOTONIC of the host at the request's first byte", "dimension"),
    start: field(
      "int",
      "us",
      "unix time of the request's first byte; the time of the point is the same in ns",
      "dimension",
    ),
    duration: field("int", "us", "from the request's first byte to the response's last; 0 without response"),
    pid: field("string", "1", "process, in the host's pid namespace"),
    process_name: field("string", "1", "name of the process"),
    thread_name: field("string", "1", "name of the kernel thread"),
    src_ip: field("string", "1", "address of this end"),
    src_port: field("string", "1", "port of this end"),
    dst_ip: field("string", "1", "address of the peer, as this end sees it"),
    dst_port: field("string", "1", "port of the peer, as this end sees it"),
    dst_nat_ip: optionalField("string", "1", "address of the peer after destination NAT"),
    dst_nat_port: optionalField("string", "1", "port of the peer after destination NAT"),
    bytes_read: field("int", "By", "bytes this end read for the exchange"),
    bytes_written: field("int", "By", "bytes this end wrote for the exchange"),
    operation: optionalField("string", "1", "protocol: `HTTP`, `HTTP2`, `gRPC`, `Redis CMD`, `PostgreSQL`..."),
    resource: optionalField(
      "string",
      "1",
      "what was asked for: method and path, statement without its values, command",
    ),
    status: optionalField("string", "1", "`ok`, `warning`, `error`, and what a protocol knows besides"),
    ...protocolFields,
    app_trace_id: optionalField(
      "string",
      "1",
      "trace of the application's own header: 32 hex digits, or decimal (Datadog)",
    ),
    app_parent_id: optionalField("string", "1", "span the header names: 16 hex digits, or decimal (Datadog)"),
    app_trace_id_h: optionalField(
      "int",
      "1",
      "upper half of app_trace_id, as a signed number; gone when linked",
      "dimension",
    ),
    app_trace_id_l: optionalField(
      "int",
      "1",
      "lower half of app_trace_id, as a signed number; gone when linked",
      "dimension",
    ),
    app_parent_id_l: optionalField("int", "1", "app_parent_id as a signed number; gone when linked", "dimension"),
    app_span_sampled: optionalField("int", "1", "1: the header wants the trace kept; -1: dropped", "dimension"),
    app_trace_encode: optionalField(
      "string",
      "1",
      "`hex` or `dec`: how trace_id is written; absent: as app_trace_id is",
    ),
    span_id: optionalField("string", "1", "16 hex digits; assigned by the linker"),
    ebpf_trace_id: optionalField("string", "1", "trace by what was observed, 32 hex digits; assigned by the linker"),
    ebpf_parent_id: optionalField(
      "string",
      "1",
      "parent by what was observed, 16 hex digits or `0`; assigned by the linker",
    ),
    trace_id: optionalField(
      "string",
      "1",
      "ebpf_trace_id, or the application's where that is used; assigned by the linker",
    ),
    parent_id: optionalField(
      "string",
      "1",
      "ebpf_parent_id, or the application's where that is used; assigned by the linker",
    ),
  },
});
