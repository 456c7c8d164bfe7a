// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { httpChunk, httpEvent, httpExchange } from "../../../../src/http-codec.gen.js";
import { EventFlag, EventKind, LINE_LONG } from "../../../../src/httpflow/contract.js";
import { cursorOn, encode } from "../../support/encode.js";
import { addressBytes } from "../../support/records.js";

/** HTTP_LINE_SHORT of bpf/http.h. */
const LINE_SHORT = 112;

/** What a record of an exchange says; an answered request to a server of ours unless told otherwise. */
export interface ExchangeRecord {
  readonly conn: number;
  readonly kind: number;
  readonly flags: number;
  readonly timeNs: number;
  readonly number: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly latencyNs: number;
  readonly durationNs: number;
  readonly requestLeft: number;
  readonly responseLeft: number;
  readonly readSeq: number;
  readonly writtenSeq: number;
  readonly pid: number;
  readonly comm: string;
  readonly netns: number;
  readonly src: string;
  readonly srcPort: number;
  readonly dst: string;
  readonly dstPort: number;
  readonly status: number;
  readonly line: string | Uint8Array;
}

const served: ExchangeRecord = {
  conn: 1,
  kind: EventKind.EXCHANGE,
  flags: EventFlag.INCOMING | EventFlag.RESPONDED,
  timeNs: 1000,
  number: 1,
  requestBytes: 0,
  responseBytes: 0,
  latencyNs: 0,
  durationNs: 0,
  requestLeft: 0,
  responseLeft: 0,
  readSeq: 0,
  writtenSeq: 0,
  pid: 80,
  comm: "nginx",
  netns: 4_026_531_840,
  src: "10.0.0.1",
  srcPort: 8080,
  dst: "10.0.0.2",
  dstPort: 50_000,
  status: 200,
  line: "GET / HTTP/1.1",
};

/** Bytes of a struct http_exchange and its line; in the long form when asked for or needed. */
export function exchangeBytes(record: Partial<ExchangeRecord> = {}, isLong = false): Uint8Array {
  const all = { ...served, ...record };
  const line = typeof all.line === "string" ? Buffer.from(all.line, "latin1") : all.line;
  const room = isLong || line.length > LINE_SHORT ? LINE_LONG : LINE_SHORT;
  const kept = line.subarray(0, room);
  const head = encode(httpExchange.layout, {
    "event.conn": all.conn,
    "event.time_ns": all.timeNs,
    "event.kind": all.kind,
    "event.number": all.number,
    "event.flags": all.flags | (line.length > room ? EventFlag.LINE_CUT : 0),
    request_bytes: all.requestBytes,
    response_bytes: all.responseBytes,
    latency_ns: all.latencyNs,
    duration_ns: all.durationNs,
    request_left: all.requestLeft,
    response_left: all.responseLeft,
    read_seq: all.readSeq,
    written_seq: all.writtenSeq,
    tgid: all.pid,
    netns: all.netns,
    src_addr: addressBytes(all.src),
    dst_addr: addressBytes(all.dst),
    src_port: all.srcPort,
    dst_port: all.dstPort,
    status: all.status,
    line_len: kept.length,
    comm: all.comm,
  });
  const bytes = new Uint8Array(head.length + room);
  bytes.set(head);
  bytes.set(kept, head.length);
  return bytes;
}

/** HTTP_STREAM: nothing pending unless told otherwise. */
export const streamBytes = (record: Partial<ExchangeRecord> = {}): Uint8Array =>
  exchangeBytes({ kind: EventKind.STREAM, flags: EventFlag.INCOMING, line: "", ...record });

export interface ChunkRecord {
  readonly conn: number;
  readonly timeNs: number;
  readonly flags: number;
  readonly seq: number;
  readonly length: number;
  readonly pid: number;
}

/** HTTP_CHUNK. @param captured its bytes; `length` is theirs unless told otherwise */
export function chunkBytes(captured: Uint8Array, chunk: Partial<ChunkRecord> = {}): Uint8Array {
  const all = { conn: 1, timeNs: 2000, flags: EventFlag.INCOMING, seq: 0, length: captured.length, pid: 80, ...chunk };
  const head = encode(httpChunk.layout, {
    "event.conn": all.conn,
    "event.time_ns": all.timeNs,
    "event.kind": EventKind.CHUNK,
    "event.flags": all.flags,
    seq: all.seq >>> 0,
    length: all.length,
    captured: captured.length,
    tgid: all.pid,
  });
  const room = captured.length === 0 ? 0 : captured.length <= 448 ? 448 : 4032;
  const bytes = new Uint8Array(head.length + Math.max(room, captured.length));
  bytes.set(head);
  bytes.set(captured, head.length);
  return bytes;
}

export const endBytes = (conn = 1): Uint8Array =>
  encode(httpEvent.layout, { conn, time_ns: 9000, kind: EventKind.END, flags: EventFlag.INCOMING });

export const recordOf = (bytes: Uint8Array): Cursor => cursorOn(bytes);
