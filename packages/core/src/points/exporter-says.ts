// SPDX-License-Identifier: MIT
// What an exporter says of points and failures. Recognised by shape: it may come from another copy of core.

import type { Exporter, ExportError } from "../exporter.js";
import type { Point } from "../measurement.js";

/** The points that the exporter accepts. */
export function wantedBy({ accepts }: Exporter, points: readonly Point[]): readonly Point[] {
  if (accepts === undefined) return points;
  return points.filter(
    typeof accepts === "function" ? accepts : ({ measurement }: Point) => accepts.includes(measurement),
  );
}

/** Whether another try can help, and after how many milliseconds. */
export function retryOf(error: unknown): { readonly afterMs: number } | undefined {
  if (!(error instanceof Error) || error.name !== "ExportError") return undefined;
  const { options } = error as ExportError;
  return options.retryable ? { afterMs: options.retryAfterMs ?? 0 } : undefined;
}
