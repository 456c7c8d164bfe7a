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

/** Fields that are integers: official serializers write those beyond 2^53 as text. */
const integers: ReadonlySet<string> = new Set(
  Object.entries(spanMeasurement.fields)
    .filter(([, { type }]) => type === "int")
    .map(([name]) => name),
);

/**
 * The spans of an OTLP trace request, protobuf or its JSON, as @skep/exporter-otlp and others with its attributes write them: those of
 * a span are fields of its point, under the same names. Names with a dot are OpenTelemetry's for what fields say already, and ids
 * that a sender gave are those of no trace: neither is looked at. Host, service and process are the resource's.
 *
 * @throws Error when the body is no such request
 */
export function otlpSpans(body: Uint8Array, encoding: "protobuf" | "json"): Point[] {
  const message =
    encoding === "json"
      ? Request.fromObject(JSON.parse(Buffer.from(body).toString("utf8")) as object)
      : Request.decode(body);
  const { resourceSpans } = Request.toObject(message, { longs: String, arrays: true }) as WireRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const ofResource = fieldsOf(resource?.attributes ?? []);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => pointOf(span, ofResource)));
  });
}

function pointOf(span: WireSpan, resource: Record<string, FieldValue>): Point {
  const { service, host, ...attributes } = withoutDots(fieldsOf(span.attributes));
  const time = BigInt(span.startTimeUnixNano ?? 0);
  const text = (...values: (FieldValue | undefined)[]) => values.find((value) => value !== undefined)?.toString();
  const fields = withoutUndefined({
    resource: span.name || undefined,
    start: Number(time / 1000n),
    duration: Number((BigInt(span.endTimeUnixNano ?? 0) - time) / 1000n),
    pid: text(resource["process.pid"]),
    process_name: text(resource["process.executable.name"]),
    ...attributes,
  });
  const tags = withoutUndefined({
    ...tagsOf(resource),
    service: text(service, resource["service.name"], "unknown_service"),
    host: text(host, resource["host.name"]),
  });
  return { measurement: spanMeasurement.name, category: "tracing", time, tags, fields };
}

function fieldsOf(attributes: Attributes): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {};
  for (const { key, value } of attributes) {
    const field = value && valueOf(value, integers.has(key));
    if (field !== undefined && key !== "__proto__") fields[key] = field;
  }
  return fields;
}

function valueOf(
  { intValue, stringValue, boolValue, doubleValue }: WireValue,
  isInteger: boolean,
): FieldValue | undefined {
  const digits = intValue ?? (isInteger && /^-?\d{1,20}$/.test(stringValue ?? "") ? stringValue : undefined);
  if (digits === undefined) return stringValue ?? boolValue ?? doubleValue;
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
}

const withoutDots = (fields: Record<string, FieldValue>): Record<string, FieldValue> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !name.includes(".")));

/** What an agent adds to every point, which is no more than that. */
const tagsOf = (resource: Record<string, FieldValue>): Record<string, string> =>
  Object.fromEntries(Object.entries(withoutDots(resource)).map(([name, value]) => [name, String(value)]));

const withoutUndefined = <T>(values: Record<string, T | undefined>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<string, T>;

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
