// SPDX-License-Identifier: MIT

import type { Category, Point } from "../measurement.js";

/** How many points are kept. Absent parts keep all. */
export interface Sampling {
  /** Share of the flows that is kept, above 0 to 1. */
  readonly rate?: number;
  /** Points a minute and category that are aimed at, by a share that follows how many there were; only without `rate`. */
  readonly pointsPerMinute?: number;
}

/** Bounds of the share that follows the number of points: never nothing, and close to all is all. */
const leastShare = 0.01;
const nearlyAll = 0.99;
const minuteMs = 60_000;

interface Minute {
  points: number;
  share: number;
}

/**
 * Decides which points are kept: by flow, so that all points of a connection are kept or none, those of its other end and of its
 * requests too. A smaller share keeps a part of what a larger one keeps: when it changes, no flow that stays is torn apart.
 */
export class Sampler {
  /** Points of this minute, and the share the last one led to, by category. */
  readonly #minutes = new Map<Category, Minute>();
  #minuteEndsMs: number;
  /** What the agent keeps of that when it must do with less. */
  relief = 1;

  constructor(
    private readonly sampling: Sampling,
    private readonly now: () => number,
  ) {
    this.#minuteEndsMs = now() + minuteMs;
  }

  keeps(point: Point): boolean {
    const share = this.#shareOf(point.category) * this.relief;
    return share >= 1 || placeOf(flowOf(point)) < share;
  }

  #shareOf(category: Category): number {
    const { rate, pointsPerMinute } = this.sampling;
    if (rate !== undefined) return rate;
    if (pointsPerMinute === undefined) return 1;
    if (this.now() >= this.#minuteEndsMs) this.#endMinute(pointsPerMinute);
    const minute = this.#minutes.get(category) ?? { points: 0, share: 1 };
    minute.points++;
    this.#minutes.set(category, minute);
    return minute.share;
  }

  #endMinute(wanted: number): void {
    for (const minute of this.#minutes.values()) {
      const share = minute.points === 0 ? 1 : wanted / minute.points;
      minute.share = share > nearlyAll ? 1 : Math.max(leastShare, share);
      minute.points = 0;
    }
    this.#minuteEndsMs = this.now() + minuteMs;
  }
}

/** What belongs together, as text: both ends of a flow in one order, a trace, a shell, else all that identifies the point. */
function flowOf({ measurement, tags, fields }: Point): string {
  const { src_ip: source, dst_ip: target } = tags;
  if (source !== undefined && target !== undefined) {
    const ends = [`${source} ${tags["src_port"] ?? ""}`, `${target} ${tags["dst_port"] ?? ""}`];
    return ends.sort().join(" ");
  }
  const whole = tags["trace_id"] ?? fields["trace_id"] ?? fields["pid"];
  return whole === undefined ? measurement + JSON.stringify(tags) : `${measurement} ${String(whole)}`;
}

/** A text's place between 0 and 1, the same everywhere: FNV-1a, and MurmurHash3's last mixing, for texts that differ in one digit. */
function placeOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
