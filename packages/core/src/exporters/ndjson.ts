// SPDX-License-Identifier: MIT

import type { Writable } from "node:stream";
import type { Exporter } from "../exporter.js";

/** One JSON object per line and point. */
export function ndjsonExporter(stream: Writable): Exporter {
  throw new Error(`not there yet: ${typeof stream}`);
}
