// SPDX-License-Identifier: MIT

import { type Clock, type Exporter, type Logger, silentLogger, SkepError, systemClock } from "@skep/core";
import { memoryStore } from "./store/memory.js";
import type { SpanStore } from "./store/store.js";

export interface LinkerOptions {
  /** Where linked spans go. */
  readonly exporters: readonly Exporter[];
  /** Where spans wait. The linker closes it. Default: in memory, for this process only. */
  readonly store?: SpanStore;
  /**
   * Milliseconds of a window, default 20,000. A span waits two windows for its neighbours, so requests that take up to two windows
   * are linked, and lingers for a third, for those who come late and for copies.
   */
  readonly windowMs?: number;
  /** A trace of the application's own goes before what was observed. Default true. */
  readonly useAppTraceId?: boolean;
  /** Share of the traces to keep that no application has decided about, 0 to 1. Default 1. */
  readonly samplingRate?: number;
  /**
   * Link ends of a connection that agree on both sequence numbers but on only one address, as source NAT leaves them. Default false:
   * sequence numbers of kernels are random enough, those of other senders may not be.
   */
  readonly throughNat?: boolean;
  /** Most spans in the window; what comes beyond is refused. Default 2,000,000. */
  readonly maxSpans?: number;
  /** Most bytes of spans in the window. Default 2 GiB. */
  readonly maxBytes?: number;
  /** Deadline of one attempt to export, milliseconds. Default 10,000. */
  readonly exportAttemptMs?: number;
  /** Waits between attempts. Default 1 s, doubling up to 30 s. */
  readonly retry?: { readonly initialMs: number; readonly maxMs: number };
  readonly clock?: Clock;
  readonly log?: Logger;
}

export type LinkerSettings = Required<LinkerOptions>;

/** @throws SkepError `SKEP_ERR_CONFIG` for numbers that make no sense */
export function settingsOf(options: LinkerOptions): LinkerSettings {
  const settings: LinkerSettings = {
    windowMs: 20_000,
    useAppTraceId: true,
    samplingRate: 1,
    throughNat: false,
    maxSpans: 2_000_000,
    maxBytes: 2 * 2 ** 30,
    exportAttemptMs: 10_000,
    retry: { initialMs: 1_000, maxMs: 30_000 },
    clock: systemClock,
    log: silentLogger,
    ...options,
    store: options.store ?? memoryStore(),
  };
  check(settings.windowMs > 0, `windowMs is ${settings.windowMs}`, "a window takes more than no time");
  const { samplingRate, maxSpans } = settings;
  check(samplingRate >= 0 && samplingRate <= 1, `samplingRate is ${samplingRate}`, "a share is between 0 and 1");
  check(Number.isInteger(maxSpans) && maxSpans > 0 && maxSpans <= 2 ** 28, `maxSpans is ${maxSpans}`, "1 to 2^28");
  return settings;
}

function check(right: boolean, what: string, hint: string): void {
  if (!right) throw new SkepError("SKEP_ERR_CONFIG", `linker: ${what}`, { hint });
}
