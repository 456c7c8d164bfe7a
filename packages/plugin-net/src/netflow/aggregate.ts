// SPDX-License-Identifier: MIT

import type { Cursor, NatTable } from "@skep/core";
import { connRecord, udpFlow, udpFlowKey } from "../codec.gen.js";
import { formatAddress } from "./addresses.js";
import { ConnectionTable, Told } from "./connection-table.js";
import { Direction, directionOf, ListeningPorts } from "./direction.js";
import { FlowKey, FlowTable } from "./flow-table.js";
import { Interner } from "./interner.js";
import { ConnectionOwners } from "./owners.js";

/** enum conn_flag of bpf/netflow.h. */
const Flag = { ESTABLISHED: 1, OLDER: 2, ORPHAN: 4, CLOSED: 8, OWNER_ASSUMED: 16 } as const;

export const Transport = { TCP: 6, UDP: 17 } as const;

/** What became of one reading: nothing new, a new flow of this interval, or one more for a flow. */
export type Folded = "nothing" | "opened" | "joined";

/** The flows of one interval, and the texts their keys number. */
export class Interval {
  readonly flows = new FlowTable();
  readonly names = new Interner();
  /** `ip port`, the address after NAT. */
  readonly nats = new Interner();
}

/**
 * Folds readings of the kernel into the flows of the interval. Readings are cumulative: what was told before is in
 * {@link ConnectionTable}, so losing the order of a reading and a last record is harmless.
 */
export class Aggregate {
  readonly connections = new ConnectionTable();
  readonly listening = new ListeningPorts();
  readonly owners = new ConnectionOwners();
  natTable: NatTable | undefined;
  #interval = new Interval();

  /** @param ephemeralPort client ports from this one on are folded into one flow */
  constructor(
    private readonly ephemeralPort: number,
    private readonly nameOfProcess: (pid: number) => string,
  ) {}

  /** A reading of a TCP connection: live, or its last (CLOSED). */
  // hot
  connection(record: Cursor): Folded {
    const id = connRecord.id(record);
    const flags = connRecord.flags(record);
    const bytesRead = connRecord.bytesRead(record);
    const bytesWritten = connRecord.bytesWritten(record);
    const retransmits = connRecord.retransmits(record);
    const { connections } = this;
    const last = (flags & Flag.CLOSED) !== 0;
    if (this.owners.isAsked) this.#learnOwner(record, id, flags, last);
    if (!last && connections.isGone(id)) return "nothing";
    const slot = last ? connections.find(id) : connections.touch(id);

    const read = slot < 0 ? bytesRead : Math.max(0, bytesRead - connections.bytesRead[slot]!);
    const written = slot < 0 ? bytesWritten : Math.max(0, bytesWritten - connections.bytesWritten[slot]!);
    const resent = slot < 0 ? retransmits : Math.max(0, retransmits - connections.retransmits[slot]!);
    let told = slot < 0 ? 0 : connections.told[slot]!;
    const established = (flags & Flag.ESTABLISHED) !== 0 && (told & Told.ESTABLISHED) === 0;
    // A connection nobody holds is closed to its applications, however long the kernel still talks to the peer.
    const over = (flags & (Flag.CLOSED | Flag.ORPHAN)) !== 0 && (flags & (Flag.ESTABLISHED | Flag.OLDER)) !== 0;
    const closed = over && (told & Told.CLOSED) === 0;

    if (last) {
      connections.remove(id);
    } else {
      if (established) told |= Told.ESTABLISHED;
      if (closed) told |= Told.CLOSED;
      connections.told[slot] = told;
      connections.bytesRead[slot]! += read;
      connections.bytesWritten[slot]! += written;
      connections.retransmits[slot]! += resent;
    }
    if (read === 0 && written === 0 && resent === 0 && !established && !closed) return "nothing";

    const { flows } = this.#interval;
    const before = flows.size;
    const netns = connRecord.netns(record);
    const srcPort = connRecord.srcPort(record);
    const direction = directionOf(connRecord.direction(record), netns, srcPort, this.listening);
    const pid = connRecord.tgid(record);
    this.#addresses(record, connRecord.srcAddrAt(record), connRecord.dstAddrAt(record));
    const flow = this.#upsert(
      Transport.TCP,
      direction,
      srcPort,
      connRecord.dstPort(record),
      netns,
      pid,
      connRecord.comm(record),
    );
    flows.bytesRead[flow]! += read;
    flows.bytesWritten[flow]! += written;
    flows.retransmits[flow]! += resent;
    if (established) flows.established[flow]! += 1;
    if (closed) flows.closed[flow]! += 1;
    const rtt = connRecord.rttUs(record);
    if (rtt !== 0) {
      flows.rttSum[flow]! += rtt;
      flows.rttVarSum[flow]! += connRecord.rttVarUs(record);
      flows.rttCount[flow]! += 1;
    }
    return flows.size === before ? "joined" : "opened";
  }

  /** Datagrams between a process and a peer since the last drain. */
  // hot
  datagrams(key: Cursor, value: Cursor): Folded {
    const { flows } = this.#interval;
    const before = flows.size;
    this.#addresses(key, udpFlowKey.srcAddrAt(key), udpFlowKey.dstAddrAt(key));
    const flow = this.#upsert(
      Transport.UDP,
      udpFlow.direction(value) === Direction.INCOMING ? Direction.INCOMING : Direction.OUTGOING,
      udpFlowKey.srcPort(key),
      udpFlowKey.dstPort(key),
      udpFlowKey.netns(key),
      udpFlow.tgid(value),
      udpFlow.comm(value),
    );
    flows.bytesRead[flow]! += udpFlow.bytesRead(value);
    flows.bytesWritten[flow]! += udpFlow.bytesWritten(value);
    return flows.size === before ? "joined" : "opened";
  }

  /** Ends the interval and begins the next one. Connections stay known. */
  take(): Interval {
    const interval = this.#interval;
    this.#interval = new Interval();
    return interval;
  }

  /** Whoever connected is known from the start. */
  #learnOwner(record: Cursor, id: number, flags: number, last: boolean): void {
    if ((flags & Flag.OWNER_ASSUMED) !== 0 || connRecord.direction(record) === Direction.OUTGOING) return;
    this.owners.learn(id, connRecord.tgid(record), connRecord.comm(record), last);
  }

  #addresses(cursor: Cursor, srcAt: number, dstAt: number): void {
    const { key } = this.#interval.flows;
    for (let word = 0; word < 4; word++) {
      key[FlowKey.srcAddr + word] = cursor.u32[(srcAt >> 2) + word]!;
      key[FlowKey.dstAddr + word] = cursor.u32[(dstAt >> 2) + word]!;
    }
  }

  #upsert(
    transport: number,
    direction: Direction,
    srcPort: number,
    dstPort: number,
    netns: number,
    pid: number,
    comm: string,
  ): number {
    const { flows, names } = this.#interval;
    const { key } = flows;
    const outgoing = direction === Direction.OUTGOING;
    key[FlowKey.srcPort] = outgoing && srcPort >= this.ephemeralPort ? 0 : srcPort;
    key[FlowKey.dstPort] = !outgoing && dstPort >= this.ephemeralPort ? 0 : dstPort;
    key[FlowKey.pid] = pid;
    key[FlowKey.netns] = netns;
    key[FlowKey.transport] = transport;
    key[FlowKey.direction] = direction;
    key[FlowKey.processName] = names.numberOf(comm || this.nameOfProcess(pid));
    key[FlowKey.nat] = outgoing && this.natTable ? this.#nat(transport, srcPort, dstPort, netns) : 0;
    return flows.upsert();
  }

  #nat(transport: number, localPort: number, remotePort: number, netns: number): number {
    const { flows, nats } = this.#interval;
    const { key } = flows;
    const target = this.natTable!.translate({
      transport: transport === Transport.TCP ? "tcp" : "udp",
      localIp: formatAddress(key, FlowKey.srcAddr),
      localPort,
      remoteIp: formatAddress(key, FlowKey.dstAddr),
      remotePort,
      netns,
    });
    return target ? nats.numberOf(`${target.ip} ${target.port}`) : 0;
  }
}
