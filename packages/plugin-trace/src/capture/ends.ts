// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import ipaddr from "ipaddr.js";
import { traceOpen } from "../codec.gen.js";

/** Who a connection is between; `src` is this end. */
export interface Ends {
  readonly srcIp: string;
  readonly srcPort: number;
  readonly dstIp: string;
  readonly dstPort: number;
  /** Inode number of the network namespace. */
  readonly netns: number;
}

/** @param record struct trace_open */
export const endsOf = (record: Cursor): Ends => ({
  srcIp: addressAt(record.bytes, traceOpen.srcAddrAt(record)),
  srcPort: traceOpen.srcPort(record),
  dstIp: addressAt(record.bytes, traceOpen.dstAddrAt(record)),
  dstPort: traceOpen.dstPort(record),
  netns: traceOpen.eventNetns(record),
});

/** Text of 16 bytes: dotted decimal for IPv4, which the kernel side writes v4-mapped, RFC 5952 for IPv6. */
function addressAt(bytes: Uint8Array, at: number): string {
  const address = new ipaddr.IPv6([...bytes.subarray(at, at + 16)]);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}
