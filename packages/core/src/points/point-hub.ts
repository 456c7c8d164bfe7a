// SPDX-License-Identifier: MIT

import type { Point } from "../measurement.js";

/** Takes complete points, many at a time. Must not throw. */
export type PointSink = (points: readonly Point[]) => void;

/**
 * Where the points of all plugins meet: completes them with the global tags and hands them on in batches. Points emitted in one
 * turn of the event loop, or during one flush ({@link hold}), are one batch.
 */
export class PointHub {
  #batch: Point[] = [];
  #held = 0;
  #scheduled = false;

  constructor(
    /** Tags for every point; a tag that a point already has stays. */
    private readonly globalTags: Readonly<Record<string, string>>,
    private readonly sink: PointSink,
  ) {}

  emit(point: Point): void {
    for (const key in this.globalTags) {
      if (!Object.hasOwn(point.tags, key)) point.tags[key] = this.globalTags[key]!;
    }
    this.#batch.push(point);
    if (this.#held > 0 || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#held === 0) this.dispatch();
    });
  }

  /** Keeps points back while `work` runs, then hands them on together. */
  async hold(work: () => Promise<void>): Promise<void> {
    this.#held++;
    try {
      await work();
    } finally {
      if (--this.#held === 0) this.dispatch();
    }
  }

  /** Hands on what is there. */
  dispatch(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.sink(batch);
  }
}
