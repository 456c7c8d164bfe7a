// SPDX-License-Identifier: MIT

import type { Headers } from "@skep/protocols";
import { type AppContext, contextOf, hex } from "./context.js";

const ROOT = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/i;
const PARENT = /^[0-9a-f]{16}$/i;

/**
 * AWS X-Ray, `X-Amzn-Trace-Id: Root=1-time-unique;Parent=span;Sampled=1`. A load balancer sends a root without a parent: then
 * only what is sampled is known. https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
export function xray(headers: Headers): AppContext | undefined {
  const parts = new Map<string, string>();
  for (const part of (headers.get("x-amzn-trace-id") ?? "").split(";")) {
    const [key = "", value = ""] = part.split("=", 2);
    parts.set(key.trim().toLowerCase(), value.trim());
  }
  const [, time, unique] = ROOT.exec(parts.get("root") ?? "") ?? [];
  if (time === undefined) return undefined;
  const parent = parts.get("parent") ?? "";
  const sampled = parts.get("sampled");
  const isSampled = sampled === "1" ? true : sampled === "0" ? false : undefined;
  return contextOf(hex(`${time}${unique}`, 32), PARENT.test(parent) ? hex(parent, 16) : 0n, isSampled);
}
