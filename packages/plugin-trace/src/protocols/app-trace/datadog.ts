// SPDX-License-Identifier: MIT

import type { Headers } from "@skep/protocols";
import { type AppContext, contextOf, hex } from "./context.js";

const DECIMAL = /^-?\d{1,20}$/;
/** The upper half of an id of 128 bits. */
const UPPER_HALF = /(?:^|,)_dd\.p\.tid=([0-9a-f]{16})(?:,|$)/;
const PRIORITY = /^-?\d$/;

/** Datadog's own headers. Ids are decimal; old tracers write those above 2^63 as negative numbers. */
export function datadog(headers: Headers): AppContext | undefined {
  const lower = decimal(headers.get("x-datadog-trace-id"));
  const upper = hex(UPPER_HALF.exec(headers.get("x-datadog-tags") ?? "")?.[1], 16);
  const trace = lower === 0n ? 0n : (upper << 64n) | lower;
  return contextOf(trace, decimal(headers.get("x-datadog-parent-id")), isKept(headers), "dec");
}

function decimal(text: string | undefined): bigint {
  if (text === undefined || !DECIMAL.test(text)) return 0n;
  const number = BigInt(text);
  return number >= -(2n ** 63n) && number < 2n ** 64n ? BigInt.asUintN(64, number) : 0n;
}

/** 1 and 2 keep (automatically, by a user), 0 and -1 drop; without a priority nobody has decided. */
function isKept(headers: Headers): boolean | undefined {
  const priority = headers.get("x-datadog-sampling-priority");
  return priority !== undefined && PRIORITY.test(priority) ? Number(priority) > 0 : undefined;
}
