// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import { type Enrichment, flowTagsOf } from "../flow-tags.js";
import { type Interval, Transport } from "./aggregate.js";
import type { Direction } from "./direction.js";
import { FlowKey } from "./flow-table.js";
import { netflow } from "./measurement.js";

/** The point of one flow of the interval. */
export function pointOf(interval: Interval, index: number, time: bigint, enrichment: Enrichment): Point {
  const { flows } = interval;
  const at = flows.keyAt(index);
  const tcp = flows.part(index, FlowKey.transport) === Transport.TCP;
  const measured = flows.rttCount[index]!;
  const mean = (sum: number): number => (measured === 0 ? 0 : Math.trunc(sum / measured));
  const flow = {
    transport: tcp ? "tcp" : "udp",
    direction: flows.part(index, FlowKey.direction) as Direction,
    words: flows.keys,
    srcAt: at + FlowKey.srcAddr,
    dstAt: at + FlowKey.dstAddr,
    srcPort: flows.part(index, FlowKey.srcPort),
    dstPort: flows.part(index, FlowKey.dstPort),
    pid: flows.part(index, FlowKey.pid),
    processName: interval.names.textOf(flows.part(index, FlowKey.processName)),
    nat: interval.nats.textOf(flows.part(index, FlowKey.nat)),
  } as const;

  return netflow.point(time, flowTagsOf(flow, enrichment), {
    bytes_read: flows.bytesRead[index]!,
    bytes_written: flows.bytesWritten[index]!,
    ...(tcp && {
      retransmits: flows.retransmits[index]!,
      rtt: mean(flows.rttSum[index]!),
      rtt_var: mean(flows.rttVarSum[index]!),
      tcp_established: flows.established[index]!,
      tcp_closed: flows.closed[index]!,
    }),
  });
}
