// SPDX-License-Identifier: MIT

import type { FieldValue, Point } from "@skep/core";

/** What linking found out about a span. Ids are written as they are exported; `0` is no parent. */
export interface Link {
  readonly spanId: string;
  readonly ebpfTraceId: string;
  readonly ebpfParentId: string;
  readonly traceId: string;
  readonly parentId: string;
  /** The trace is exported. */
  readonly sampled: boolean;
}

/** One line of text, for a store. */
export const encodeLink = (link: Link): string =>
  [link.spanId, link.ebpfTraceId, link.ebpfParentId, link.traceId, link.parentId, link.sampled ? "1" : "0"].join(" ");

/** The other way round. */
export function decodeLink(text: string): Link {
  const [spanId = "", ebpfTraceId = "", ebpfParentId = "", traceId = "", parentId = "", sampled] = text.split(" ");
  return { spanId, ebpfTraceId, ebpfParentId, traceId, parentId, sampled: sampled === "1" };
}

/** The halves of an application's ids, which its texts say as well. */
const halves: ReadonlySet<string> = new Set(["app_trace_id_h", "app_trace_id_l", "app_parent_id_l"]);

/** The span with its ids, as it is exported. */
export function linkedPoint(point: Point, link: Link): Point {
  const fields: Record<string, FieldValue> = {};
  for (const key in point.fields) if (!halves.has(key)) fields[key] = point.fields[key]!;
  // The wire has one name space: of a tag and a field of one name the tag came through.
  const { service } = point.tags;
  if (service !== undefined) fields["service"] = service;
  fields["span_id"] = link.spanId;
  fields["ebpf_trace_id"] = link.ebpfTraceId;
  fields["ebpf_parent_id"] = link.ebpfParentId;
  fields["trace_id"] = link.traceId;
  fields["parent_id"] = link.parentId;
  return { ...point, fields };
}

/** The application's own ids that a span carries, as text; undefined when it carries no trace. */
export function appTraceOf({ fields }: Point): { readonly traceId: string; readonly parentId: string } | undefined {
  const high = bits(fields["app_trace_id_h"]);
  const low = bits(fields["app_trace_id_l"]);
  const parent = bits(fields["app_parent_id_l"]);
  const id = textId(fields["app_trace_id"]);
  const decimal =
    fields["app_trace_encode"] === undefined
      ? id !== undefined && id.length !== 32
      : fields["app_trace_encode"] === "dec";
  const traceId = written(id, high, low, decimal, 32);
  if (traceId === undefined) return undefined;
  return { traceId, parentId: written(textId(fields["app_parent_id"]), 0n, parent, decimal, 16) ?? "0" };
}

/** The text as it came where it is of the right kind, else made of the numbers; undefined for nothing and for zeros. */
function written(
  text: string | undefined,
  high: bigint,
  low: bigint,
  decimal: boolean,
  digits: number,
): string | undefined {
  if (text !== undefined && (decimal ? text.length <= 20 && /^\d+$/.test(text) : text.length === digits)) return text;
  const value = decimal ? low : (high << 64n) | low;
  if (value === 0n) return undefined;
  return decimal ? String(value) : value.toString(16).padStart(digits, "0");
}

/** An id in lower case without anything but digits; undefined where there is none. */
function textId(value: FieldValue | undefined): string | undefined {
  const text = typeof value === "string" ? value.toLowerCase() : "";
  return /^[0-9a-f]+$/.test(text) && !/^0+$/.test(text) ? text : undefined;
}

const bits = (value: FieldValue | undefined): bigint =>
  typeof value === "bigint" || Number.isInteger(value) ? BigInt.asUintN(64, BigInt(value as bigint)) : 0n;
