// SPDX-License-Identifier: MIT

import type { ConfigNotice } from "./config.js";
import type { Setting } from "./setting.js";

/** The reference's limits: an agent of a fleet neither floods nor falls silent. */
const fleet = { min: 10_000, max: 1_800_000, text: "10 s to 30 min" };
/** Whoever types a flag looks at the result. */
const byHand = { min: 100, max: Infinity, text: "at least 100 ms" };

/** Keeps the interval (ms) within the limits of where it was set. */
export function clampInterval(ms: number, settings: readonly Setting[]): { ms: number; notices: ConfigNotice[] } {
  const setting = settings.findLast(({ key }) => key === "interval");
  if (setting === undefined) return { ms, notices: [] };
  const { min, max, text } = setting.source === "flags" ? byHand : fleet;
  const clamped = Math.min(max, Math.max(min, ms));
  if (clamped === ms) return { ms, notices: [] };
  const message = `interval of ${ms / 1000} s is outside ${text}: ${clamped / 1000} s is used`;
  return { ms: clamped, notices: [{ key: "interval", where: setting.where, message }] };
}
