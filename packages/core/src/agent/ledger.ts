// SPDX-License-Identifier: MIT

import type { PluginCounters } from "./status.js";

/** Keeps the account of one plugin's observations, over all its restarts. The rule is in {@link PluginCounters}. */
export class Ledger {
  #observed = 0;
  #emitted = 0;
  #aggregated = 0;
  #droppedTotal = 0;
  readonly #dropped = new Map<string, number>();
  /** Losses since the last {@link takeLosses}. */
  #fresh = new Map<string, number>();

  /** Observations whose end is known. */
  get accounted(): number {
    return this.#emitted + this.#aggregated + this.#droppedTotal;
  }

  /** Observations the plugin still holds. Negative when it emits points that no observation stands behind: a bug of the plugin. */
  get pending(): number {
    return this.#observed - this.accounted;
  }

  observe(n = 1): void {
    this.#observed += n;
  }

  emit(): void {
    this.#emitted++;
  }

  aggregate(n = 1): void {
    this.#aggregated += n;
  }

  drop(reason: string, n = 1): void {
    if (n <= 0) return;
    this.#droppedTotal += n;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + n);
    this.#fresh.set(reason, (this.#fresh.get(reason) ?? 0) + n);
  }

  /** Observations that were lost before anybody could look at them. */
  lose(reason: string, n = 1): void {
    if (n <= 0) return;
    this.observe(n);
    this.drop(reason, n);
  }

  /** Reason -> count of what was dropped since the last call. */
  takeLosses(): ReadonlyMap<string, number> {
    const losses = this.#fresh;
    this.#fresh = new Map();
    return losses;
  }

  counters(): PluginCounters {
    return {
      observed: this.#observed,
      emitted: this.#emitted,
      aggregated: this.#aggregated,
      dropped: Object.fromEntries(this.#dropped),
      pending: this.pending,
    };
  }
}
