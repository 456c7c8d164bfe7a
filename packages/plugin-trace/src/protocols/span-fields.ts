// SPDX-License-Identifier: MIT

import type { spanMeasurement } from "@skep/core";
import { type Call, Exchange } from "@skep/protocols";
import { httpFields, isGrpcCall } from "./http/fields.js";
import type { ProtocolName } from "./names.js";
import { WireCall } from "./wire-call.js";

type AllFields = Parameters<(typeof spanMeasurement)["point"]>[2];
type Redis = "status_code" | "status_msg" | "err_code" | "err_msg";
type Protocol = Extract<
  keyof AllFields,
  `http_${string}` | `grpc_${string}` | `mysql_${string}` | `pgsql_${string}` | `amqp_${string}`
>;

/** Fields of a span that tell what was asked, and how it went. */
export type SpanFields = {
  readonly [
    Name in "operation" | "resource" | "resource_type" | "status" | "status_mode" | Redis | Protocol
  ]?: AllFields[Name];
};

/** What a call was made in; undefined for one of a decoder that is not ours. */
export function protocolOf(call: Call): ProtocolName | undefined {
  if (call instanceof WireCall) return call.protocol;
  if (!(call instanceof Exchange)) return undefined;
  return isGrpcCall(call) ? "grpc" : call.request.version === "2" ? "http2" : "http";
}

/** What a span tells of its call. Statements have no values in them. */
export function spanFields(call: Call): SpanFields {
  if (call instanceof Exchange) return httpFields(call);
  return call instanceof WireCall ? call.fields : {};
}
