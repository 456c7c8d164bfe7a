// SPDX-License-Identifier: MIT

import type { Timing } from "../agent/metrics.js";

/** Adds up durations. */
export class Stopwatch {
  #count = 0;
  #totalMs = 0;
  #longestMs = 0;
  #lastMs = 0;

  add(ms: number): void {
    this.#count++;
    this.#totalMs += ms;
    this.#lastMs = ms;
    if (ms > this.#longestMs) this.#longestMs = ms;
  }

  /** Runs `work` and adds the time it takes, also when it throws. */
  async measure<T>(work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await work();
    } finally {
      this.add(performance.now() - begin);
    }
  }

  get timing(): Timing {
    return { count: this.#count, totalMs: this.#totalMs, longestMs: this.#longestMs, lastMs: this.#lastMs };
  }
}
