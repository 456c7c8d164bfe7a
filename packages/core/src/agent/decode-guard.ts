// SPDX-License-Identifier: MIT

import type { Clock } from "../scheduler/clock.js";

/** Length of a window, milliseconds. */
const windowMs = 10_000;
/** Fewer failures than this in a window are bad records, not a bad plugin. */
const fewest = 20;
/** Share of a window's records that may fail. */
const tolerated = 0.1;

/** Judges a plugin by how many of its records it fails to decode: more than a tenth, and at least 20, within 10 s is too many. */
export class DecodeGuard {
  #since = -Infinity;
  #records = 0;
  #failures = 0;

  constructor(private readonly clock: Clock) {}

  /** Hot: once per record. */
  record(): void {
    this.#records++;
  }

  /** `first`: worth telling, once per window. `tooMany`: the plugin must go. */
  failure(): { readonly first: boolean; readonly tooMany: boolean } {
    const now = this.clock.now();
    const first = now - this.#since > windowMs;
    if (first) {
      this.#since = now;
      this.#records = 1;
      this.#failures = 0;
    }
    this.#failures++;
    return { first, tooMany: this.#failures >= fewest && this.#failures > tolerated * this.#records };
  }
}
