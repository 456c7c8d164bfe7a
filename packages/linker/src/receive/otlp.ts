// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { type FieldValue, type Point, spanMeasurement } from "@skep/core";
import protobuf from "protobufjs";

const { root } = protobuf.parse(readFileSync(new URL("../../proto/otlp-trace.proto", import.meta.url), "utf8"));
const Request = root.lookupType("ExportTraceServiceRequest");
const Response = root.lookupType("ExportTraceServiceResponse");

/** As protobufjs says it when asked for 64-bit integers as text. */
interface WireValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
}
type Attributes = readonly { readonly key: string; readonly value?: WireValue }[];
interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}
interface WireSpan {
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Attributes;
}

/**
 * The spans of an OTLP trace request, protobuf or its JSON. Attributes of a span are fields of its point, under the same names; ids
 * that a sender made up are not looked at. Host, process and service are the resource's where the span does not say them.
 *
 * @throws Error when the body is no such request
 */
export function otlpSpans(body: Buffer, encoding: "protobuf" | "json"): Point[] {
  const message =
    encoding === "json" ? Request.fromObject(JSON.parse(body.toString("utf8")) as object) : Request.decode(body);
  const { resourceSpans } = Request.toObject(message, { longs: String, arrays: true }) as WireRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const ofResource = fieldsOf(resource?.attributes ?? []);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => pointOf(span, ofResource)));
  });
}

function pointOf(span: WireSpan, resource: Record<string, FieldValue>): Point {
  const { service, host, ...attributes } = fieldsOf(span.attributes);
  const time = BigInt(span.startTimeUnixNano ?? 0);
  const fields: Record<string, FieldValue> = {
    start: Number(time / 1000n),
    duration: Number((BigInt(span.endTimeUnixNano ?? 0) - time) / 1000n),
    ...(resource["process.pid"] !== undefined && { pid: String(resource["process.pid"]) }),
    ...attributes,
  };
  if (fields["resource"] === undefined && span.name) fields["resource"] = span.name;
  return {
    measurement: spanMeasurement.name,
    category: "tracing",
    time,
    tags: {
      service: String(service ?? resource["service.name"] ?? "unknown_service"),
      host: String(host ?? resource["host.name"] ?? ""),
    },
    fields,
  };
}

function fieldsOf(attributes: Attributes): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {};
  for (const { key, value } of attributes) {
    const field = value && valueOf(value);
    if (field !== undefined) fields[key] = field;
  }
  return fields;
}

function valueOf({ intValue, stringValue, boolValue, doubleValue }: WireValue): FieldValue | undefined {
  if (intValue === undefined) return stringValue ?? boolValue ?? doubleValue;
  return Number.isSafeInteger(Number(intValue)) ? Number(intValue) : BigInt(intValue);
}

/** The answer to a request of which some spans could not be taken. */
export function otlpAnswer(rejected: number, encoding: "protobuf" | "json"): Buffer {
  const errorMessage =
    "without direction, ebpf_span_type, req_seq, resp_seq or thread_trace_id a span cannot be linked";
  const answer = Response.fromObject(
    rejected === 0 ? {} : { partialSuccess: { rejectedSpans: rejected, errorMessage } },
  );
  if (encoding === "json") return Buffer.from(JSON.stringify(Response.toObject(answer, { longs: String })));
  return Buffer.from(Response.encode(answer).finish());
}
