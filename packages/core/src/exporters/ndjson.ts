// SPDX-License-Identifier: MIT

import type { Writable } from "node:stream";
import type { Exporter } from "../exporter.js";
import type { FieldValue, Point } from "../measurement.js";
import { writerTo } from "./write.js";

/**
 * One JSON object per line and point: `{"measurement", "time", "tags", "fields"}`; `time` is unix ns as a string, since it does not
 * fit a JavaScript number. The stream stays the caller's: it is never ended.
 */
export function ndjsonExporter(stream: Writable): Exporter {
  const write = writerTo(stream);
  return {
    name: "ndjson",
    spool: false,
    export: (points) => write(points.map((point) => `${ndjsonLine(point)}\n`).join("")),
  };
}

/** A point as one line of JSON, without the newline. Integers are JSON numbers whatever their size; NaN and infinities are null. */
export function ndjsonLine({ measurement, time, tags, fields }: Point): string {
  const values = Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}:${jsonValue(value)}`);
  const head = JSON.stringify({ measurement, time: String(time), tags });
  return `${head.slice(0, -1)},"fields":{${values.join(",")}}}`;
}

/** JSON.stringify refuses BigInts, but JSON itself knows numbers of any length. */
const jsonValue = (value: FieldValue): string => (typeof value === "bigint" ? String(value) : JSON.stringify(value));
