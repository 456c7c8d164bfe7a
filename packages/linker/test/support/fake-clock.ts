// SPDX-License-Identifier: MIT

import type { Clock, Timer } from "@skep/core";

/** Lets everything that waits for a promise or an immediate go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly fn: () => void }>();

  now = (): number => this.#now;
  monotonicNs = (): bigint => BigInt(this.#now) * 1_000_000n;
  unixNs = (): bigint => 1_700_000_000_000_000_000n + this.monotonicNs();

  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + ms, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }
  soon(fn: () => void): Timer {
    return this.after(0, fn);
  }

  /** Fires what falls due within `ms`, letting asynchronous work finish in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.fn();
      await settle();
    }
    this.#now = end;
  }
}
