// SPDX-License-Identifier: MIT

import type { Headers } from "@skep/protocols";
import { type AppContext, contextOf, hex } from "./context.js";

/** Leading zeros may be left out; some tracers percent-encode the colons. */
const UBER = /^([0-9a-f]{1,32})(?::|%3a)([0-9a-f]{1,16})(?::|%3a)([0-9a-f]{0,16})(?::|%3a)([0-9a-f]{1,2})$/i;
const SAMPLED_OR_DEBUG = 3;

/** Jaeger's own header, `uber-trace-id: trace:span:parent:flags`; the third part is deprecated. */
export function jaeger(headers: Headers): AppContext | undefined {
  const [, trace, span, , flags] = UBER.exec(headers.get("uber-trace-id") ?? "") ?? [];
  const [traceId, spanId] = [hex(trace, 32), hex(span, 16)];
  if (flags === undefined || traceId === 0n || spanId === 0n) return undefined;
  return contextOf(traceId, spanId, (parseInt(flags, 16) & SAMPLED_OR_DEBUG) !== 0);
}
