// SPDX-License-Identifier: MIT

import type { FrameFormat } from "../wire/frame-reader.js";

/** First bytes of requests. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html */
export const Command = {
  QUIT: 1,
  QUERY: 3,
  FIELD_LIST: 4,
  STATISTICS: 9,
  CHANGE_USER: 17,
  BINLOG_DUMP: 18,
  REGISTER_SLAVE: 21,
  STMT_PREPARE: 22,
  STMT_EXECUTE: 23,
  STMT_SEND_LONG_DATA: 24,
  STMT_CLOSE: 25,
  STMT_FETCH: 28,
  BINLOG_DUMP_GTID: 30,
  RESET_CONNECTION: 31,
} as const;
/** The highest; and MariaDB's `COM_STMT_BULK_EXECUTE`. */
const LAST_COMMAND = 32;
export const BULK_EXECUTE = 250;

export const isCommand = (byte: number): boolean => byte <= LAST_COMMAND || byte === BULK_EXECUTE;

/** First bytes of responses. */
export const Reply = { OK: 0, LOCAL_FILE: 0xfb, EOF: 0xfe, ERROR: 0xff } as const;

/** Bits of a client's capabilities. */
export const Capability = {
  COMPRESS: 1 << 5,
  PROTOCOL_41: 1 << 9,
  SSL: 1 << 11,
  DEPRECATE_EOF: 1 << 24,
  ZSTD: 1 << 26,
} as const;
/** Bits of a server's status. */
export const Status = { MORE_RESULTS: 8, CURSOR_EXISTS: 0x40, NO_BACKSLASH_ESCAPES: 0x200 } as const;

/** A greeting begins with the version of the protocol. */
export const GREETING = 10;
/** A packet of this size is followed by the rest of it in another one. */
export const LARGEST = 0xff_ff_ff;

export const lengthOf = (head: DataView): number => head.getUint8(0) | (head.getUint16(1, true) << 8);
export const sequenceOf = (head: DataView): number => head.getUint8(3);

const format = (wanted: number): FrameFormat => ({
  headBytes: 4,
  payload: (head) => lengthOf(head),
  wanted: () => wanted,
});

/** Of a request as much as is told of a statement, of a response what says how it went. */
export const requestFormat = format(8192);
export const responseFormat = format(512);

/** A number of one to nine bytes; undefined where it is cut. */
export function lengthEncoded(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0xfb) return { value: first, end: at + 1 };
  const length = first === 0xfc ? 2 : first === 0xfd ? 3 : first === 0xfe ? 8 : 0;
  if (length === 0 || at + 1 + length > bytes.length) return undefined;
  const value = length === 8 ? Number(bytes.readBigUInt64LE(at + 1)) : bytes.readUIntLE(at + 1, length);
  return { value, end: at + 1 + length };
}

/** Status behind the two numbers of an OK packet, or behind the warnings of an EOF; 0 where it is cut. */
export function statusFlags(payload: Buffer): number {
  if (payload[0] === Reply.EOF && payload.length < 7) return payload.length >= 5 ? payload.readUInt16LE(3) : 0;
  const rows = lengthEncoded(payload, 1);
  const id = rows && lengthEncoded(payload, rows.end);
  return id !== undefined && id.end + 2 <= payload.length ? payload.readUInt16LE(id.end) : 0;
}
