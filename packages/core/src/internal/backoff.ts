// SPDX-License-Identifier: MIT

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** In [0, 1); replaced by tests. */
  readonly random?: () => number;
}

/** Waits that double up to a maximum. Half of each is random, so that many who failed together do not come back together. */
export class Backoff {
  #attempts = 0;

  constructor(private readonly options: BackoffOptions) {}

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { initialMs, maxMs, random = Math.random } = this.options;
    const whole = Math.min(maxMs, initialMs * 2 ** Math.min(this.#attempts++, 30));
    return whole / 2 + random() * (whole / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
