// SPDX-License-Identifier: MIT

import type { DomainNames, KubernetesMetadata, Point } from "@skep/core";
import { addressType, formatAddress, isIPv4 } from "./addresses.js";
import { type Interval, Transport } from "./aggregate.js";
import { Direction } from "./direction.js";
import { FlowKey } from "./flow-table.js";
import { netflow } from "./measurement.js";

/** Services that know more about the ends of a flow. */
export interface Enrichment {
  readonly domains?: DomainNames | undefined;
  readonly kubernetes?: KubernetesMetadata | undefined;
}

const NOT_AVAILABLE = "N/A";
const port = (number: number): string => (number === 0 ? "*" : String(number));

/** The point of one flow of the interval. */
export function pointOf(interval: Interval, index: number, time: bigint, enrichment: Enrichment): Point {
  const { flows } = interval;
  const at = flows.keyAt(index);
  const src = at + FlowKey.srcAddr;
  const dst = at + FlowKey.dstAddr;
  const tcp = flows.part(index, FlowKey.transport) === Transport.TCP;
  const transport = tcp ? "tcp" : "udp";
  const srcPort = flows.part(index, FlowKey.srcPort);
  const dstPort = flows.part(index, FlowKey.dstPort);
  const pid = flows.part(index, FlowKey.pid);
  const srcIp = formatAddress(flows.keys, src);
  const dstIp = formatAddress(flows.keys, dst);
  const [natIp, natPort] = interval.nats.textOf(flows.part(index, FlowKey.nat)).split(" ");
  const nat = natIp && natPort ? { ip: natIp, port: Number(natPort) } : undefined;
  const measured = flows.rttCount[index]!;
  const mean = (sum: number): number => (measured === 0 ? 0 : Math.trunc(sum / measured));

  return netflow.point(
    time,
    {
      family: isIPv4(flows.keys, src) && isIPv4(flows.keys, dst) ? "IPv4" : "IPv6",
      transport,
      direction: flows.part(index, FlowKey.direction) === Direction.INCOMING ? "incoming" : "outgoing",
      src_ip: srcIp,
      src_port: port(srcPort),
      src_ip_type: addressType(flows.keys, src),
      dst_ip: dstIp,
      dst_port: port(dstPort),
      dst_ip_type: addressType(flows.keys, dst),
      dst_domain: enrichment.domains?.nameOf(dstIp) ?? "",
      dst_nat_ip: nat?.ip ?? NOT_AVAILABLE,
      dst_nat_port: natPort ?? NOT_AVAILABLE,
      pid: String(pid),
      process_name: interval.names.textOf(flows.part(index, FlowKey.processName)),
      ...enrichment.kubernetes?.tagsOf({ transport, srcIp, srcPort, dstIp, dstPort, pid, ...(nat && { nat }) }),
    },
    {
      bytes_read: flows.bytesRead[index]!,
      bytes_written: flows.bytesWritten[index]!,
      ...(tcp && {
        retransmits: flows.retransmits[index]!,
        rtt: mean(flows.rttSum[index]!),
        rtt_var: mean(flows.rttVarSum[index]!),
        tcp_established: flows.established[index]!,
        tcp_closed: flows.closed[index]!,
      }),
    },
  );
}
