// SPDX-License-Identifier: MIT

import type { Headers } from "@skep/protocols";
import { type AppContext, contextOf, hex } from "./context.js";

const TRACE = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i;
const SPAN = /^[0-9a-f]{16}$/i;
/** `d`: debug, which is kept whatever happens. `true` and `false` are of old tracers. */
const SAMPLED: Readonly<Record<string, boolean>> = { "1": true, true: true, d: true, "0": false, false: false };

/** B3 in one header, `b3: trace-span[-sampled[-parent]]` or only `b3: 0`. https://github.com/openzipkin/b3-propagation */
export function b3Single(headers: Headers): AppContext | undefined {
  const parts = (headers.get("b3") ?? "").split("-");
  if (parts.length === 1) return contextOf(0n, 0n, SAMPLED[parts[0]!]);
  if (parts.length > 4) return undefined;
  return b3(parts[0], parts[1], SAMPLED[parts[2] ?? ""]);
}

/** B3 in one header for each part. */
export function b3Multi(headers: Headers): AppContext | undefined {
  const isDebug = headers.get("x-b3-flags") === "1";
  const isSampled = isDebug ? true : SAMPLED[(headers.get("x-b3-sampled") ?? "").toLowerCase()];
  return b3(headers.get("x-b3-traceid"), headers.get("x-b3-spanid"), isSampled);
}

/** Of whoever asks the span is the parent: what Zipkin calls parent is the span above that. */
function b3(trace = "", span = "", isSampled: boolean | undefined): AppContext | undefined {
  return contextOf(TRACE.test(trace) ? hex(trace, 32) : 0n, SPAN.test(span) ? hex(span, 16) : 0n, isSampled);
}
