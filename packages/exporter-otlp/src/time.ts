// SPDX-License-Identifier: MIT

import type { HrTime } from "@opentelemetry/api";

/** Unix ns as OpenTelemetry's seconds and nanoseconds. */
export const hrTime = (ns: bigint): HrTime => [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
