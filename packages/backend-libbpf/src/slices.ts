// SPDX-License-Identifier: MIT

import { setImmediate } from "node:timers/promises";
import type { SliceOptions } from "@skep/core";

const DEFAULT_SLICE_MS = 5;

/** Cuts long work into slices of time: after each the event loop has its turn. */
export class Slices {
  readonly #length: number;
  #end: number;

  constructor({ sliceMs = DEFAULT_SLICE_MS }: SliceOptions = {}) {
    this.#length = sliceMs;
    this.#end = performance.now() + sliceMs;
  }

  get over(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets the event loop run, then begins the next slice. */
  async next(): Promise<void> {
    await setImmediate();
    this.#end = performance.now() + this.#length;
  }
}
