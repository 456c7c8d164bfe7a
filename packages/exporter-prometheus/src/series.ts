// SPDX-License-Identifier: MIT

import type { LabelValues } from "prom-client";

/** Label value of the series that stands for all that found no room. */
export const OVERFLOW = "overflow";

/** Something with series that can be taken away. */
export interface Removable {
  remove(labels: LabelValues<string>): void;
}

/**
 * The label sets of one measurement, so many and no more: what comes beyond shares one series whose labels all say
 * {@link OVERFLOW}. A set that no point had for a while is forgotten and its series removed, which makes room.
 */
export class LabelSets {
  /** Label values -> the set and when a point last had it, in the order of that. */
  readonly #sets = new Map<string, { readonly labels: LabelValues<string>; lastMs: number }>();
  readonly #overflow: LabelValues<string>;

  constructor(
    private readonly names: readonly string[],
    private readonly metrics: readonly Removable[],
    private readonly limits: { readonly maxSeries: number; readonly staleMs: number },
  ) {
    this.#overflow = Object.fromEntries(names.map((name) => [name, OVERFLOW]));
  }

  get size(): number {
    return this.#sets.size;
  }

  /** The labels to count under, and whether they are the point's own. */
  admit(values: readonly string[], nowMs: number): { readonly labels: LabelValues<string>; readonly own: boolean } {
    const key = JSON.stringify(values);
    const known = this.#sets.get(key);
    if (known === undefined && this.#sets.size >= this.limits.maxSeries) return { labels: this.#overflow, own: false };
    const labels = known?.labels ?? Object.fromEntries(this.names.map((name, index) => [name, values[index]!]));
    this.#sets.delete(key);
    this.#sets.set(key, { labels, lastMs: nowMs });
    return { labels, own: true };
  }

  /** Removes the series of label sets that are out of date. */
  forgetStale(nowMs: number): void {
    for (const [key, { labels, lastMs }] of this.#sets) {
      if (nowMs - lastMs < this.limits.staleMs) return;
      this.#sets.delete(key);
      for (const metric of this.metrics) metric.remove(labels);
    }
  }
}
