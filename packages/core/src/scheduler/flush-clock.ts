// SPDX-License-Identifier: MIT

import { Serial } from "../internal/serial.js";
import type { Clock, Timer } from "./clock.js";

/**
 * Calls `flush` every `intervalMs`, counted from the start without drift. Flushes never overlap: one that outlasts the interval
 * makes the next tick wait for the next multiple. `flush` must not reject.
 */
export class FlushClock {
  readonly #turns = new Serial();
  #origin = 0;
  #timer: Timer | undefined;
  #running = false;
  #ticks = 0;

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
    private readonly flush: () => Promise<void>,
  ) {}

  start(): void {
    this.#running = true;
    this.#origin = this.clock.now();
    this.#schedule();
  }

  /** Flushes once more, after a flush under way. */
  now(): Promise<void> {
    return this.#turns.run(this.flush);
  }

  /** No tick after this. Resolves when a flush under way is over. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    await this.#turns.run(() => {});
  }

  #schedule(): void {
    const elapsed = this.clock.now() - this.#origin;
    // A timer may fire a little early: the tick after this one is never this one again.
    this.#ticks = Math.max(this.#ticks, Math.floor(elapsed / this.intervalMs)) + 1;
    this.#timer = this.clock.after(this.#ticks * this.intervalMs - elapsed, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    await this.now();
    if (this.#running) this.#schedule();
  }
}
