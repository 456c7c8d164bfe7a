// SPDX-License-Identifier: MIT

import type { Point } from "../measurement.js";
import { BoundedQueue } from "./bounded-queue.js";

/** Points as an async iterator with a bounded buffer. One consumer; `return()` (leaving `for await`) ends it. */
export interface PointStream extends AsyncIterableIterator<Point> {
  /** Points this consumer lost because it was too slow. */
  readonly dropped: number;
}

export interface PointStreamOptions {
  /** Points that may wait. */
  readonly buffer: number;
  readonly signal?: AbortSignal;
  /** The stream ended, whoever ended it. */
  onEnd(stream: BufferedPointStream): void;
}

/** The agent's end of a {@link PointStream}: push points in, end it. Points that wait when it ends are still handed out. */
export class BufferedPointStream implements PointStream {
  dropped = 0;
  readonly #waiting: BoundedQueue<Point>;
  /** Calls of `next` that wait for a point. Only filled while no point waits. */
  readonly #readers: ((result: IteratorResult<Point>) => void)[] = [];
  readonly #abort = () => this.#finish(true);
  #ended = false;

  constructor(private readonly options: PointStreamOptions) {
    this.#waiting = new BoundedQueue(Math.max(1, options.buffer));
    if (options.signal?.aborted) this.#finish(true);
    else options.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Returns how many points gave way. */
  push(points: readonly Point[]): number {
    if (this.#ended) return 0;
    const served = Math.min(points.length, this.#readers.length);
    for (let i = 0; i < served; i++) this.#readers.shift()!({ done: false, value: points[i]! });
    const lost = this.#waiting.push(served === 0 ? points : points.slice(served));
    this.dropped += lost;
    return lost;
  }

  /** No more points will come. */
  end(): void {
    this.#finish(false);
  }

  next(): Promise<IteratorResult<Point>> {
    const [value] = this.#waiting.take(1);
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<Point>> {
    this.#finish(true);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(forget: boolean): void {
    if (forget) this.#waiting.clear();
    if (this.#ended) return;
    this.#ended = true;
    this.options.signal?.removeEventListener("abort", this.#abort);
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
    this.options.onEnd(this);
  }
}
