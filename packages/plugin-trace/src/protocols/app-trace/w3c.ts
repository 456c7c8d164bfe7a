// SPDX-License-Identifier: MIT

import type { Headers } from "@skep/protocols";
import { type AppContext, contextOf, hex } from "./context.js";

/** Lower case only, as the recommendation demands of those who read: tracers begin a new trace otherwise. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/**
 * W3C Trace Context. `tracestate`, which goes with it, is read by nobody here: what vendors say there of themselves changes neither
 * the ids nor the flag (Datadog's member `dd` yields to the flag where both differ).
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function w3c(headers: Headers): AppContext | undefined {
  const [, version, trace, parent, flags, rest] = TRACEPARENT.exec(headers.get("traceparent") ?? "") ?? [];
  // 255 is no version, and more may follow only in later ones than 0.
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  const [traceId, parentId] = [hex(trace, 32), hex(parent, 16)];
  if (traceId === 0n || parentId === 0n) return undefined;
  return contextOf(traceId, parentId, (parseInt(flags!, 16) & SAMPLED) !== 0);
}
