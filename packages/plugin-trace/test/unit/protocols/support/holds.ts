// SPDX-License-Identifier: MIT

import type { ExecutionContext } from "ava";
import fc from "fast-check";

/**
 * The property holds for whatever fast-check thinks of. Properties assert with node:assert, not with `t`: ava would show
 * the first failure instead of the smallest.
 */
export function holds<Ts>(t: ExecutionContext, property: fc.IProperty<Ts>, options?: fc.Parameters<Ts>): void {
  fc.assert(property, options);
  t.pass();
}

/** The same for a property that takes time. Shrinking ends before ava loses patience. */
export async function holdsInTime<Ts>(
  t: ExecutionContext,
  property: fc.IAsyncProperty<Ts>,
  options?: fc.Parameters<Ts>,
): Promise<void> {
  await fc.assert(property, { interruptAfterTimeLimit: 30_000, ...options });
  t.pass();
}
