// SPDX-License-Identifier: MIT
// ctnetlink messages: those a kernel really sent, and made ones.

import { readFileSync } from "node:fs";
import ipaddr from "ipaddr.js";

/** Recorded on a namespace with four UDP flows; `conntrack` is what `conntrack -L` said of them at the same time. */
export const recorded = JSON.parse(
  readFileSync(new URL("../recorded/ctnetlink.json", import.meta.url), "utf8"),
) as Readonly<Record<"conntrack" | "created" | "dump" | "deleted", readonly string[]>>;

export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

export interface End {
  readonly ip: string;
  readonly port: number;
}

export interface MadeEntry {
  readonly transport: number;
  readonly src: End;
  readonly dst: End;
  readonly replySrc: End;
  readonly replyDst: End;
  readonly zone?: number;
}

/** A message about an entry, as nf_conntrack_netlink writes it. */
export function message(
  type: number,
  entry: MadeEntry,
  header: { flags?: number; sequence?: number } = {},
): Uint8Array {
  const { transport, src, dst, replySrc, replyDst, zone } = entry;
  const payload = [
    ...[2, 0, 0, 0],
    ...nested(1, tuple(transport, src, dst)),
    ...nested(2, tuple(transport, replySrc, replyDst)),
    ...(zone === undefined ? [] : attribute(18, be16(zone))),
  ];
  return netlinkMessage(type, payload, header);
}

export function netlinkMessage(
  type: number,
  payload: readonly number[],
  { flags = 0, sequence = 0 }: { flags?: number; sequence?: number } = {},
): Uint8Array {
  const bytes = new Uint8Array(16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(payload, 16);
  return bytes;
}

const tuple = (transport: number, src: End, dst: End): number[] => {
  const [from, to] = [bytesOf(src.ip), bytesOf(dst.ip)];
  const v6 = from.length === 16;
  return [
    ...nested(1, [...attribute(v6 ? 3 : 1, from), ...attribute(v6 ? 4 : 2, to)]),
    ...nested(2, [...attribute(1, [transport]), ...attribute(2, be16(src.port)), ...attribute(3, be16(dst.port))]),
  ];
};

export function attribute(type: number, value: readonly number[]): number[] {
  const length = value.length + 4;
  return [length & 255, length >> 8, type & 255, type >> 8, ...value, ...new Array<number>(-length & 3).fill(0)];
}

/** NLA_F_NESTED. */
const nested = (type: number, value: readonly number[]): number[] => attribute(type | 0x8000, value);

const be16 = (value: number): number[] => [value >> 8, value & 255];
const bytesOf = (ip: string): number[] => ipaddr.parse(ip).toByteArray();
