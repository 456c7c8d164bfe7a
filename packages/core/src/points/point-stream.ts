// SPDX-License-Identifier: MIT

import type { Point } from "../measurement.js";

/** Points as an async iterator with a bounded buffer. One consumer; `return()` (leaving `for await`) ends it. */
export interface PointStream extends AsyncIterableIterator<Point> {
  /** Points this consumer lost because it was too slow. */
  readonly dropped: number;
}
