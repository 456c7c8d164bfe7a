// SPDX-License-Identifier: MIT

import type { FieldValue, Point } from "@skep/core";
import { canonicalAddress } from "./address.js";
import { digest128, hash32 } from "./hash.js";

/** What a header of the application says about keeping its trace. */
export type AppVerdict = "keep" | "reject" | undefined;

/** All the linker needs to know of a span to find its neighbours; each number is 32 bits, unsigned. */
export interface SpanKeys {
  /** 16 bytes that no other span has, and every copy of this one: its ids are made of them. */
  readonly identity: Buffer;
  readonly incoming: boolean;
  /** What the calls of its thread were made for. */
  readonly entry: boolean;
  readonly requestSeq: number;
  readonly responseSeq: number;
  /** Address and port of the end that asked, hashed, as both ends know it. */
  readonly client: number;
  readonly server: number;
  /** 64 bits for a piece of work of one process on one host; both 0: belongs to none. */
  readonly threadHigh: number;
  readonly threadLow: number;
  readonly verdict: AppVerdict;
  /** Carries a trace of the application's own. */
  readonly hasAppTrace: boolean;
}

/**
 * The keys of a span, or undefined when it lacks what linking cannot do without: `ebpf_span_type`, `direction`, `req_seq`,
 * `resp_seq` and `thread_trace_id`, each of its type.
 */
export function keysOf(point: Point): SpanKeys | undefined {
  const direction = point.fields["direction"] ?? point.tags["direction"];
  const type = point.fields["ebpf_span_type"] ?? point.tags["ebpf_span_type"];
  const { req_seq, resp_seq, thread_trace_id } = point.fields;
  if ((direction !== "incoming" && direction !== "outgoing") || typeof type !== "string") return undefined;
  if (!isInteger(req_seq) || !isInteger(resp_seq) || !isInteger(thread_trace_id)) return undefined;

  const text = (key: string): string => String(point.fields[key] ?? point.tags[key] ?? "");
  const incoming = direction === "incoming";
  const source = endpoint(text("src_ip"), text("src_port"));
  const peer = endpoint(text("dst_ip"), text("dst_port"));
  const requestSeq = low32(req_seq);
  const responseSeq = low32(resp_seq);
  const process = `${text("host")}|${text("pid")}|${thread_trace_id}`;
  const worked = BigInt(thread_trace_id) !== 0n;
  const sampled = Number(point.fields["app_span_sampled"] ?? 0);
  return {
    identity: digest128(
      `${process}|${text("tid")}|${text("tid_usr")}|${text("ktime")}|${text("start")}|${direction}|${type}|` +
        `${source}|${peer}|${requestSeq}|${responseSeq}`,
    ),
    incoming,
    entry: incoming && type === "entry",
    requestSeq,
    responseSeq,
    client: hash32(incoming ? peer : source, 1),
    server: hash32(incoming ? source : translated(text("dst_nat_ip"), text("dst_nat_port"), peer), 2),
    threadHigh: worked ? hash32(process, 3) : 0,
    threadLow: worked ? hash32(process, 4) : 0,
    verdict: sampled > 0 ? "keep" : sampled < 0 ? "reject" : undefined,
    hasAppTrace: point.fields["app_trace_id"] !== undefined || point.fields["app_trace_id_l"] !== undefined,
  };
}

const isInteger = (value: FieldValue | undefined): value is number | bigint =>
  typeof value === "bigint" || Number.isInteger(value);

/** Sequence numbers are 32 bits; senders write them signed or not. */
const low32 = (value: number | bigint): number => Number(BigInt.asUintN(32, BigInt(value)));

const endpoint = (ip: string, port: string): string => `${canonicalAddress(ip)} ${port}`;

/** Where a connection really went; DataKit writes `N/A` for no translation. */
const translated = (ip: string, port: string, peer: string): string =>
  ip === "" || ip === "N/A" ? peer : endpoint(ip, port);
