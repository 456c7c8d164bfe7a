// SPDX-License-Identifier: MIT

import { setTimeout } from "node:timers/promises";

/** Waits until `condition` gives something true; fails after `ms`. */
export async function until<T>(condition: () => T | Promise<T>, what: string, ms = 10_000): Promise<NonNullable<T>> {
  for (const end = performance.now() + ms; ; await setTimeout(5)) {
    const found = await condition();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
  }
}
