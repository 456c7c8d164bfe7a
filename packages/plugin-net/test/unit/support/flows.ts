// SPDX-License-Identifier: MIT

import { formatAddress } from "../../../src/netflow/addresses.js";
import { Aggregate, type Folded } from "../../../src/netflow/aggregate.js";
import { FlowKey } from "../../../src/netflow/flow-table.js";
import { connection, datagrams, type Datagrams, type Reading } from "./records.js";

/** An aggregate that knows no process by number but 77. */
export const fresh = (ephemeralPort = 0): Aggregate =>
  new Aggregate(ephemeralPort, (pid) => (pid === 77 ? "from-proc" : ""));

export const read = (aggregate: Aggregate, reading: Partial<Reading>): Folded =>
  aggregate.connection(connection(reading));

export function count(aggregate: Aggregate, counted: Partial<Datagrams>): Folded {
  const { key, value } = datagrams(counted);
  return aggregate.datagrams(key, value);
}

/** Ends the interval and shows its flows as plain objects, in order of arrival. */
export function takeFlows(aggregate: Aggregate) {
  const { flows, names, nats } = aggregate.take();
  return Array.from({ length: flows.size }, (_, number) => {
    const index = number + 1;
    const part = (word: number): number => flows.part(index, word);
    return {
      src: formatAddress(flows.keys, flows.keyAt(index) + FlowKey.srcAddr),
      dst: formatAddress(flows.keys, flows.keyAt(index) + FlowKey.dstAddr),
      srcPort: part(FlowKey.srcPort),
      dstPort: part(FlowKey.dstPort),
      pid: part(FlowKey.pid),
      netns: part(FlowKey.netns),
      transport: part(FlowKey.transport),
      direction: part(FlowKey.direction),
      process: names.textOf(part(FlowKey.processName)),
      nat: nats.textOf(part(FlowKey.nat)),
      read: flows.bytesRead[index]!,
      written: flows.bytesWritten[index]!,
      retransmits: flows.retransmits[index]!,
      established: flows.established[index]!,
      closed: flows.closed[index]!,
      rttSum: flows.rttSum[index]!,
      rttVarSum: flows.rttVarSum[index]!,
      rttCount: flows.rttCount[index]!,
    };
  });
}
