// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import { type Enrichment, flowTagsOf } from "../flow-tags.js";
import { Transport } from "../netflow/aggregate.js";
import type { Direction } from "../netflow/direction.js";
import { type Interval, NO_ANSWER } from "./aggregate.js";
import { DnsKey } from "./dns-table.js";
import { dnsflow } from "./measurement.js";
import { typeName } from "./types.js";

/** The point of one bucket of the interval. */
export function pointOf(interval: Interval, index: number, time: bigint, enrichment: Enrichment): Point {
  const { table, names, questions } = interval;
  const at = table.keyAt(index);
  const rcode = table.part(index, DnsKey.rcode) | 0;
  const count = table.count[index]!;
  const flow = {
    transport: table.part(index, DnsKey.transport) === Transport.TCP ? "tcp" : "udp",
    direction: table.part(index, DnsKey.direction) as Direction,
    words: table.keys,
    srcAt: at + DnsKey.srcAddr,
    dstAt: at + DnsKey.dstAddr,
    srcPort: table.part(index, DnsKey.srcPort),
    dstPort: table.part(index, DnsKey.dstPort),
    pid: table.part(index, DnsKey.pid),
    processName: names.textOf(table.part(index, DnsKey.processName)),
    nat: "",
  } as const;
  const { dst_nat_ip: _ip, dst_nat_port: _port, ...tags } = flowTagsOf(flow, enrichment);
  const name = questions.textOf(table.part(index, DnsKey.questionName));

  return dnsflow.point(
    time,
    { ...tags, ...(name && { question_name: name, question_type: typeName(table.part(index, DnsKey.questionType)) }) },
    {
      rcode,
      count,
      latency: rcode === NO_ANSWER ? 0 : Math.round(table.latencySumNs[index]! / count),
      latency_max: Math.round(table.latencyMaxNs[index]!),
    },
  );
}
