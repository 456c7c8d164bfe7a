// SPDX-License-Identifier: MIT

import ipaddr from "ipaddr.js";
import type { Cursor } from "@skep/core";
import { connRecord, listenerRecord, udpFlow, udpFlowKey } from "../../../src/codec.gen.js";
import { cursorOn, encode } from "./encode.js";

/** enum conn_flag of bpf/netflow.h; counters.host.test.ts compares the two. */
export const Flag = { ESTABLISHED: 1, OLDER: 2, ORPHAN: 4, CLOSED: 8, OWNER_ASSUMED: 16 } as const;

/** enum flow_direction of bpf/netflow.h. */
export const Seen = { UNKNOWN: 0, INCOMING: 1, OUTGOING: 2 } as const;

/** Who talks with whom. Addresses in text form; `src` is the local end. */
export interface Ends {
  readonly src: string;
  readonly srcPort: number;
  readonly dst: string;
  readonly dstPort: number;
  readonly pid: number;
  readonly netns: number;
  readonly comm: string;
  readonly direction: number;
}

/** A reading of a TCP connection: cumulative counters. */
export interface Reading extends Ends {
  readonly id: number;
  readonly flags: number;
  readonly read: number | bigint;
  readonly written: number | bigint;
  readonly retransmits: number;
  readonly rttUs: number;
  readonly rttVarUs: number;
}

export interface Datagrams extends Ends {
  /** What keeps entries of the map apart beside the ends: the process, or the socket. The process when absent. */
  readonly owner?: number;
  readonly read: number | bigint;
  readonly written: number | bigint;
}

const ends: Ends = {
  src: "10.0.0.1",
  srcPort: 40_000,
  dst: "93.184.216.34",
  dstPort: 443,
  pid: 1234,
  netns: 4_026_531_840,
  comm: "curl",
  direction: Seen.OUTGOING,
};

/** Sixteen bytes in network order, IPv4 as `::ffff:a.b.c.d`: how the kernel side writes addresses. */
export function addressBytes(text: string): Uint8Array {
  const address = ipaddr.parse(text);
  return Uint8Array.from(
    (address.kind() === "ipv4" ? (address as ipaddr.IPv4).toIPv4MappedAddress() : address).toByteArray(),
  );
}

/** The same as the four words `addresses.ts` takes. */
export const addressWords = (text: string): Uint32Array => new Uint32Array(addressBytes(text).buffer);

/** Bytes of a `struct conn_record`; an established outgoing connection unless told otherwise. */
export function connectionBytes(reading: Partial<Reading> = {}): Uint8Array {
  const all: Reading = {
    ...ends,
    id: 1,
    flags: Flag.ESTABLISHED,
    read: 0,
    written: 0,
    retransmits: 0,
    rttUs: 0,
    rttVarUs: 0,
    ...reading,
  };
  return encode(connRecord.layout, {
    id: all.id,
    bytes_read: all.read,
    bytes_written: all.written,
    retransmits: all.retransmits,
    rtt_us: all.rttUs,
    rtt_var_us: all.rttVarUs,
    tgid: all.pid,
    netns: all.netns,
    src_addr: addressBytes(all.src),
    dst_addr: addressBytes(all.dst),
    src_port: all.srcPort,
    dst_port: all.dstPort,
    direction: all.direction,
    flags: all.flags,
    comm: all.comm,
  });
}

export const connection = (reading?: Partial<Reading>): Cursor => cursorOn(connectionBytes(reading));

/** Key and value of an entry of a UDP flow map. */
export interface Entry<T> {
  readonly key: T;
  readonly value: T;
}

export function datagramBytes(counted: Partial<Datagrams> = {}): Entry<Uint8Array> {
  const all: Datagrams = { ...ends, read: 0, written: 0, ...counted };
  return {
    key: encode(udpFlowKey.layout, {
      src_addr: addressBytes(all.src),
      dst_addr: addressBytes(all.dst),
      src_port: all.srcPort,
      dst_port: all.dstPort,
      owner: all.owner ?? all.pid,
      netns: all.netns,
    }),
    value: encode(udpFlow.layout, {
      bytes_read: all.read,
      bytes_written: all.written,
      direction: all.direction,
      tgid: all.pid,
      comm: all.comm,
    }),
  };
}

export function datagrams(counted?: Partial<Datagrams>): Entry<Cursor> {
  const { key, value } = datagramBytes(counted);
  return { key: cursorOn(key), value: cursorOn(value) };
}

/** Bytes of the record of a socket that listens. */
export const listenerBytes = (netns: number, port: number): Uint8Array =>
  encode(listenerRecord.layout, { netns, port });
