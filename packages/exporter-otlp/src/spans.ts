// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import { type Link, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { ReadableSpan, TimedEvent } from "@opentelemetry/sdk-trace-base";
import { type FieldValue, type Point, type SpanLink, spanLinkOf } from "@skep/core";
import type { Attributes } from "./conventions.js";
import { Resources, scope } from "./resources.js";
import { hrTime } from "./time.js";

/** Fields of a span that say whose it is. */
const resourceFields: Readonly<Record<string, string>> = {
  service: "service.name",
  pid: "process.pid",
  process_name: "process.executable.name",
};
/** Fields that OTLP has members for. */
const members: ReadonlySet<string> = new Set(["trace_id", "span_id", "parent_id", "start", "duration", "resource"]);
/** Fields that the conventions call otherwise, said a second time under that name. */
const conventions: Readonly<Record<string, readonly [name: string, type: "text" | "number"]>> = {
  http_method: ["http.request.method", "text"],
  http_route: ["url.path", "text"],
  http_version: ["network.protocol.version", "text"],
  http_status_code: ["http.response.status_code", "number"],
  grpc_status_code: ["rpc.grpc.status_code", "number"],
  src_ip: ["network.local.address", "text"],
  src_port: ["network.local.port", "number"],
  dst_ip: ["network.peer.address", "text"],
  dst_port: ["network.peer.port", "number"],
};

/** Points of category tracing as spans. All fields are attributes of the same names, so that a linker can read them again. */
export function spans(points: readonly Point[]): ReadableSpan[] {
  const resources = new Resources();
  return points.map((point) => spanOf(point, resources));
}

function spanOf(point: Point, resources: Resources): ReadableSpan {
  const { fields, tags, time } = point;
  const link = spanLinkOf(point) ?? ownLink(point);
  const durationNs = BigInt(Math.max(0, Math.round(Number(fields["duration"] ?? 0)))) * 1000n;
  const { resource, attributes } = attributesOf(fields, tags);
  const contextOf = (spanId: string): SpanContext => ({
    traceId: link.traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
  });
  const parent = link.parentSpanId === undefined ? undefined : contextOf(link.parentSpanId);
  return {
    name: String(fields["resource"] || fields["operation"] || point.measurement),
    kind: fields["direction"] === "outgoing" ? SpanKind.CLIENT : SpanKind.SERVER,
    spanContext: () => contextOf(link.spanId),
    ...(parent !== undefined && { parentSpanContext: parent }),
    startTime: hrTime(time),
    endTime: hrTime(time + durationNs),
    duration: hrTime(durationNs),
    status: { code: fields["status"] === "error" ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    links: [] as Link[],
    events: [] as TimedEvent[],
    ended: true,
    resource: resources.of(resource),
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function attributesOf(fields: Point["fields"], tags: Point["tags"]): { resource: Attributes; attributes: Attributes } {
  const [resource, attributes]: [Attributes, Attributes] = [{}, {}];
  for (const [tag, value] of Object.entries(tags))
    resource[tag === "host" ? "host.name" : (resourceFields[tag] ?? tag)] = value;
  for (const [field, value] of Object.entries(fields)) {
    const ofResource = resourceFields[field];
    if (ofResource !== undefined) resource[ofResource] = field === "pid" ? Number(value) : String(value);
    if (members.has(field)) continue;
    attributes[field] = attributeValue(value);
    const [name, type] = conventions[field] ?? [];
    if (name !== undefined && value !== "") attributes[name] = type === "number" ? Number(value) : String(value);
  }
  return { resource, attributes };
}

/** The official serializers know no integers beyond 2^53, and ids of 64 bits must stay exact: those are said in decimal text. */
const attributeValue = (value: FieldValue): string | number | boolean =>
  typeof value === "bigint" ? (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)) : value;

/** What tells a span from every other, see the contract of spans in core. */
const identityFields = [
  "pid",
  "tid",
  "tid_usr",
  "ktime",
  "direction",
  "src_ip",
  "src_port",
  "dst_ip",
  "dst_port",
  "req_seq",
];

/** A span no linker has seen is a trace of its own, the same each time it is sent. */
function ownLink({ fields, tags }: Point): SpanLink {
  const identity = [tags["host"], ...identityFields.map((field) => String(fields[field]))];
  const digest = createHash("sha256").update(identity.join("|")).digest("hex");
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) };
}
