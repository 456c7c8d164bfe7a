// SPDX-License-Identifier: MIT

import type { Clock } from "../scheduler/clock.js";
import { periodically } from "../scheduler/periodic.js";
import { excessOf, ReliefPlan, type Relief, type ResourceLimits, type ResourceUse } from "./relief.js";

/** Between two looks, milliseconds. */
const lookMs = 3_000;

export interface ResourceGuardOptions {
  readonly clock: Clock;
  readonly limits: ResourceLimits;
  /** Memory in bytes, and processor time in seconds so far. */
  use(): { readonly rss: number; readonly cpuSeconds: number };
  /** Plugins that could be stopped. */
  running(): number;
  /** Does what was decided, and says why. */
  act(relief: Relief, reason: string): Promise<void>;
}

/** Looks at what the agent uses, every three seconds. Returns how to stop. */
export function guardResources({ clock, limits, use, running, act }: ResourceGuardOptions): () => void {
  const plan = new ReliefPlan(limits);
  let last = { at: clock.now(), cpuSeconds: use().cpuSeconds };
  return periodically(clock, lookMs, async () => {
    const { rss, cpuSeconds } = use();
    const at = clock.now();
    const seconds = Math.max(0.001, (at - last.at) / 1000);
    const now: ResourceUse = { cpuCores: (cpuSeconds - last.cpuSeconds) / seconds, memoryBytes: rss };
    last = { at, cpuSeconds };
    const relief = plan.look(now, running());
    if (relief !== undefined) await act(relief, excessOf(limits, now) ?? "there is room again");
  });
}
