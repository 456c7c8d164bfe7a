// SPDX-License-Identifier: MIT

import { type Headers, WantedHeaders } from "@skep/protocols";
import { b3Multi, b3Single } from "./b3.js";
import type { AppContext } from "./context.js";
import { datadog } from "./datadog.js";
import { jaeger } from "./jaeger.js";
import { skywalking } from "./skywalking.js";
import { w3c } from "./w3c.js";
import { xray } from "./xray.js";

/** The request headers {@link appTrace} reads. */
export const traceHeaders = new WantedHeaders([
  "traceparent",
  "x-datadog-trace-id",
  "x-datadog-parent-id",
  "x-datadog-sampling-priority",
  "x-datadog-tags",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-sampled",
  "x-b3-flags",
  "uber-trace-id",
  "sw8",
  "x-amzn-trace-id",
]);

/** The standard first: tracers that send it beside their own headers say the same with both. */
const formats: readonly ((headers: Headers) => AppContext | undefined)[] = [
  w3c,
  datadog,
  b3Single,
  b3Multi,
  jaeger,
  skywalking,
  xray,
];

/** Fields of a span that tell of the application's own trace; see span.ts of core. */
export interface AppTraceFields {
  readonly app_trace_id?: string;
  readonly app_parent_id?: string;
  readonly app_trace_id_h?: bigint;
  readonly app_trace_id_l?: bigint;
  readonly app_parent_id_l?: bigint;
  readonly app_span_sampled?: 1 | -1;
  readonly app_trace_encode?: "hex" | "dec";
}

/** How {@link appTrace} writes ids. */
export interface AppTraceOptions {
  /** `conv_to_ddtrace`: every id as Datadog writes it, the lower 64 bits in decimal. */
  readonly toDatadog?: boolean;
}

const NOTHING: AppTraceFields = {};

/**
 * The trace an application says a request belongs to, by its headers. Of several formats the first that has both ids counts; where
 * none has, the first that says whether to keep the trace.
 */
export function appTrace(headers: Headers, { toDatadog = false }: AppTraceOptions = {}): AppTraceFields {
  if (headers.size === 0) return NOTHING;
  let undecided: AppContext | undefined;
  for (const format of formats) {
    const context = format(headers);
    if (context?.ids !== undefined) return fieldsOf(context, toDatadog);
    undecided ??= context;
  }
  return undecided === undefined ? NOTHING : fieldsOf(undecided, toDatadog);
}

function fieldsOf({ ids, isSampled }: AppContext, toDatadog: boolean): AppTraceFields {
  const sampled = isSampled === undefined ? {} : { app_span_sampled: isSampled ? (1 as const) : (-1 as const) };
  if (ids === undefined) return sampled;
  const isDecimal = toDatadog || ids.encoding === "dec";
  const low = BigInt.asUintN(64, ids.trace);
  // An id whose lower half is zero is none to Datadog.
  if (isDecimal && low === 0n) return sampled;
  return {
    app_trace_id: isDecimal ? low.toString() : ids.trace.toString(16).padStart(32, "0"),
    app_parent_id: isDecimal ? ids.parent.toString() : ids.parent.toString(16).padStart(16, "0"),
    app_trace_id_h: toDatadog ? 0n : BigInt.asIntN(64, ids.trace >> 64n),
    app_trace_id_l: BigInt.asIntN(64, low),
    app_parent_id_l: BigInt.asIntN(64, ids.parent),
    app_trace_encode: isDecimal ? "dec" : "hex",
    ...sampled,
  };
}
