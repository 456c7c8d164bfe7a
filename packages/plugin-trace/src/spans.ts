// SPDX-License-Identifier: MIT

import { type NatTable, type Point, spanMeasurement, threadTraceId } from "@skep/core";
import { type Call, Side } from "@skep/protocols";
import type { Mover } from "./capture/marks.js";
import type { TracedProcess } from "./processes/traced-processes.js";
import type { AppTraceFields, SpanFields } from "./protocols/index.js";
import type { Attributed } from "./units/attribution.js";

/** What a span tells of its call, and of the trace the application says it belongs to. */
export type CallFields = SpanFields & AppTraceFields;

/** What spans of this host have in common. */
export interface SpanSurroundings {
  /** Unix ns = `bootTime` + ns of the kernel's clock. */
  readonly bootTime: bigint;
  readonly natTable: NatTable | undefined;
}

/** The id of a call that `mover` began. Its offset tells it from others that began at the same time, as streams of HTTP/2 do. */
export const traceIdOf = (bootId: string, { pid, goroutine, tid }: Mover, { firstNs, requestAt }: Call): bigint => {
  const thread = goroutine === 0n ? tid : goroutine;
  return threadTraceId({ bootId, pid, thread, ktime: BigInt(firstNs), sequence: requestAt });
};

/** @param fields what the protocol says of the call */
export function spanOf(
  attributed: Attributed & { readonly mover: Mover; readonly traceId: bigint },
  process: TracedProcess,
  fields: CallFields,
  { bootTime, natTable }: SpanSurroundings,
): Point {
  const { connection, call, isIncoming, mover } = attributed;
  const { ends } = connection;
  const unixNs = bootTime + BigInt(call.firstNs);
  const direction = isIncoming ? "incoming" : "outgoing";
  const type = isIncoming ? "entry" : "exit";
  const nat = isIncoming
    ? undefined
    : natTable?.translate({
        transport: "tcp",
        localIp: ends.srcIp,
        localPort: ends.srcPort,
        remoteIp: ends.dstIp,
        remotePort: ends.dstPort,
        netns: ends.netns,
      });
  return spanMeasurement.point(
    unixNs,
    { service: process.service },
    {
      service: process.service,
      source_type: "ebpf",
      ebpf_span_type: type,
      span_type: type,
      direction,
      req_seq: connection.sequenceOf(Side.REQUESTS, call.requestAt),
      resp_seq: responseSeq(attributed, fields),
      thread_trace_id: attributed.traceId,
      tid: mover.tid,
      ...(mover.goroutine !== 0n && { tid_usr: mover.goroutine }),
      ktime: call.firstNs,
      start: unixNs / 1000n,
      duration: call.respondedNs === 0 ? 0 : Math.max(0, Math.round((call.lastNs - call.firstNs) / 1000)),
      pid: String(mover.pid),
      process_name: process.name,
      thread_name: mover.threadName,
      src_ip: ends.srcIp,
      src_port: String(ends.srcPort),
      dst_ip: ends.dstIp,
      dst_port: String(ends.dstPort),
      ...(nat && { dst_nat_ip: nat.ip, dst_nat_port: String(nat.port) }),
      bytes_read: isIncoming ? call.requestBytes : call.responseBytes,
      bytes_written: isIncoming ? call.responseBytes : call.requestBytes,
      ...fields,
    },
  );
}

/** Protocols in which answers to different calls come in any order. */
const UNORDERED: ReadonlySet<string | undefined> = new Set(["HTTP2", "gRPC", "AMQP", "Kafka", "MongoDB"]);

/** Of a response that never came: the number its first byte would have had, or 0 where nobody can say which that is. */
function responseSeq({ connection, call }: Attributed, { operation }: CallFields): number {
  if (call.responseAt >= 0) return connection.sequenceOf(Side.RESPONSES, call.responseAt);
  return UNORDERED.has(operation) ? 0 : connection.nextResponseSeq;
}
