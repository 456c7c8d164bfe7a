// SPDX-License-Identifier: MIT

import type { Clock, Timer } from "../../../src/index.js";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Lets everything that waits for a promise, an immediate or a file go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** `originNs`: unix time at the start; `bootNs`: monotonic time at the start. */
  constructor(
    private readonly originNs = 1_700_000_000_000_000_000n,
    private readonly bootNs = 5_000_000_000n,
  ) {}

  now = (): number => this.#now;
  monotonicNs = (): bigint => this.bootNs + BigInt(Math.round(this.#now * 1e6));
  unixNs = (): bigint => this.originNs + BigInt(Math.round(this.#now * 1e6));

  after(ms: number, fn: () => void): Timer {
    const pending = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  soon(fn: () => void): Timer {
    const immediate = setImmediate(fn);
    return { cancel: () => clearImmediate(immediate) };
  }

  /** Milliseconds until the timers that wait, soonest first. */
  get timers(): number[] {
    return [...this.#pending].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Fires what falls due within `ms`, in order, letting asynchronous work finish in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#pending].sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined || next.at > end) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await settle();
    }
    this.#now = end;
  }
}
