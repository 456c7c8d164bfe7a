// SPDX-License-Identifier: MIT

import { setImmediate as nextTurn } from "node:timers/promises";
import type { PluginContext, Point } from "@skep/core";

/** The event loop waits no longer than this for us to make points. */
const SLICE_MS = 5;

/** Emits points number 1 to `count`, in slices. */
export async function emitInSlices(
  context: Pick<PluginContext, "emit">,
  count: number,
  pointOf: (index: number) => Point,
): Promise<void> {
  let until = performance.now() + SLICE_MS;
  for (let index = 1; index <= count; index++) {
    context.emit(pointOf(index));
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + SLICE_MS;
  }
}
