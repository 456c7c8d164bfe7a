// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import type { Headers } from "@skep/protocols";
import { type AppContext, contextOf, hex } from "./context.js";

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PARTS = 8;

/**
 * SkyWalking's `sw8: sample-trace-segment-span-service-instance-endpoint-address`, most of it in base64. Its trace ids are text
 * of any length and its spans are numbered in segments, so ids of 128 and 64 bits are made of them: of 32 hexadecimal digits those
 * themselves, else the beginning of a SHA-256, the same for everybody who reads it.
 * https://skywalking.apache.org/docs/main/latest/en/api/x-process-propagation-headers-v3/
 */
export function skywalking(headers: Headers): AppContext | undefined {
  const parts = (headers.get("sw8") ?? "").split("-");
  const [sample = "", trace = "", segment = "", span = ""] = parts;
  const isValid = parts.length === PARTS && BASE64.test(trace) && BASE64.test(segment) && /^\d{1,10}$/.test(span);
  if (!isValid || (sample !== "0" && sample !== "1")) return undefined;
  const [traceText, segmentText] = [decoded(trace), decoded(segment)];
  const traceId = /^[0-9a-f]{32}$/i.test(traceText) ? hex(traceText, 32) : digest(traceText, 32);
  return contextOf(traceId, digest(`${segmentText}:${span}`, 16), sample === "1");
}

const decoded = (base64: string): string => Buffer.from(base64, "base64").toString("utf8");

const digest = (text: string, digits: number): bigint =>
  hex(createHash("sha256").update(text).digest("hex").slice(0, digits), digits);
