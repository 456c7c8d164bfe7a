// SPDX-License-Identifier: MIT

/** Lets callers through in their order, once it is watched: the nth call of `pass` ends no sooner than the nth of `admit` has come. */
export class Turnstile {
  #isWatched = false;
  #asked = 0;
  #admitted = 0;
  #waiting: (() => void)[] = [];

  async pass(): Promise<void> {
    const isEarly = ++this.#asked > this.#admitted;
    if (this.#isWatched && isEarly) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  /** Returns whether somebody was waiting for it. */
  admit(): boolean {
    this.#admitted++;
    const next = this.#waiting.shift();
    next?.();
    return next !== undefined;
  }

  /** From now on callers wait. */
  watch(): void {
    this.#isWatched = true;
  }

  /** Nobody waits any more. */
  open(): void {
    this.#isWatched = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
