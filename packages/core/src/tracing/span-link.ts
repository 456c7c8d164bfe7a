// SPDX-License-Identifier: MIT

import type { Point } from "../measurement.js";

/** A span's place in its trace, in the digits OpenTelemetry writes: 32 of a trace, 16 of a span, lower case. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  /** Absent at the root. */
  readonly parentSpanId?: string;
}

/** A linker has been here: the point is a span with ids. */
export const isLinkedSpan = ({ category, fields }: Point): boolean =>
  category === "tracing" && typeof fields["trace_id"] === "string" && typeof fields["span_id"] === "string";

/**
 * The ids of a linked span. Where an application writes its own in decimal (Datadog), fields say them so, and here they become
 * hexadecimal again; undefined for a span without ids, or with ids that are none.
 */
export function spanLinkOf(point: Point): SpanLink | undefined {
  if (!isLinkedSpan(point)) return undefined;
  const { trace_id, span_id, parent_id, ebpf_parent_id } = point.fields as Record<string, string | undefined>;
  // A trace id of 32 digits is hexadecimal: in decimal only the lower 64 bits are said, in at most 20.
  const decimal = trace_id!.length !== 32;
  const traceId = decimal ? fromDecimal(trace_id!, 32) : trace_id!;
  const own = parent_id === ebpf_parent_id;
  const parent =
    parent_id === undefined || parent_id === "0" ? "" : decimal && !own ? fromDecimal(parent_id, 16) : parent_id;
  if (!isId(traceId, 32) || !isId(span_id!, 16) || (parent !== "" && !isId(parent, 16))) return undefined;
  return { traceId, spanId: span_id!, ...(parent !== "" && { parentSpanId: parent }) };
}

const fromDecimal = (text: string, digits: number): string =>
  /^\d{1,20}$/.test(text) ? BigInt.asUintN(64, BigInt(text)).toString(16).padStart(digits, "0") : "";

/** OpenTelemetry knows no id of zeros. */
const isId = (text: string, digits: number): boolean =>
  text.length === digits && /^[0-9a-f]+$/.test(text) && !/^0+$/.test(text);
