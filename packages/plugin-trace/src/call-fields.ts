// SPDX-License-Identifier: MIT

import {
  type Call,
  type CallSink,
  type Detector,
  Exchange,
  Http1Connection,
  looksLikeRequest,
  Side,
} from "@skep/protocols";

/** What a protocol says of a call. */
export interface CallFields {
  readonly operation?: string;
  readonly resource?: string;
  readonly status?: string;
  readonly [field: string]: string | number | undefined;
}

/** Finds out what a connection speaks. */
export const detectorFor =
  (sink: CallSink): Detector =>
  (opening, isMidway) => {
    if (opening.length < 8) return "more";
    if (!looksLikeRequest(opening, 0, opening.length)) return undefined;
    return { side: Side.REQUESTS, decoder: new Http1Connection(sink, { isMidway }) };
  };

export function fieldsOf(call: Call): CallFields {
  if (!(call instanceof Exchange)) return {};
  const { method, target, version } = call.request;
  const path = target.split("?")[0]!;
  return {
    operation: "HTTP",
    resource: `${method} ${path}`,
    status: call.status >= 500 ? "error" : call.status >= 400 ? "warning" : "ok",
    http_method: method,
    http_route: path,
    http_version: version,
    http_status_code: String(call.status),
  };
}
