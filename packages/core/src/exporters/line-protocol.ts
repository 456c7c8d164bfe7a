// SPDX-License-Identifier: MIT

import type { Writable } from "node:stream";
import type { Exporter } from "../exporter.js";

/** InfluxDB line protocol, one line per point. */
export function lineProtocolExporter(stream: Writable): Exporter {
  throw new Error(`not there yet: ${typeof stream}`);
}
