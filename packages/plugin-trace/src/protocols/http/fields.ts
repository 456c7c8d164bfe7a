// SPDX-License-Identifier: MIT

import { type Exchange, requestLineOf } from "@skep/protocols";
import type { SpanFields } from "../span-fields.js";

/** Bytes of a path that are told. */
const LONGEST_PATH = 1024;
const GRPC = /^application\/grpc(?:$|[+;])/i;
/** Codes by which a server says that the fault is its own: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const SERVER_ERRORS: ReadonlySet<string> = new Set(["2", "4", "12", "13", "14", "15"]);

/** What a span tells of an exchange. One without response has no status. */
export function httpFields(exchange: Exchange): SpanFields {
  const { method, path, version } = requestLineOf(exchange.request, LONGEST_PATH);
  const isHttp2 = version === "2";
  const isGrpc = isGrpcCall(exchange);
  return {
    operation: isGrpc ? "gRPC" : isHttp2 ? "HTTP2" : "HTTP",
    resource: `${method} ${path}`,
    http_method: method,
    http_route: path,
    ...(!isHttp2 && { http_version: version }),
    ...(exchange.hasResponse && { http_status_code: String(exchange.status), status: statusOf(exchange, isGrpc) }),
    ...(isGrpc && exchange.grpcStatus !== "" && { grpc_status_code: exchange.grpcStatus }),
    ...(isGrpc && exchange.grpcMessage !== "" && { grpc_message: decoded(exchange.grpcMessage) }),
  };
}

/** Whether an exchange of HTTP/2 is a call of gRPC: its response says so. */
export const isGrpcCall = ({ request, contentType }: Exchange): boolean =>
  request.version === "2" && GRPC.test(contentType);

/** A call of gRPC that fails is answered with 200 and says so in its trailers. */
function statusOf({ status, grpcStatus }: Exchange, isGrpc: boolean): string {
  if (status >= 500) return "error";
  if (status >= 400) return "warning";
  if (!isGrpc || grpcStatus === "" || grpcStatus === "0") return "ok";
  return SERVER_ERRORS.has(grpcStatus) ? "error" : "warning";
}

/** A message of gRPC is UTF-8 whose bytes beyond ASCII are percent-encoded. One that is not stays as it is. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
