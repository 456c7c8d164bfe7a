// SPDX-License-Identifier: MIT

import type { Writable } from "node:stream";
import pc from "picocolors";
import type { Exporter } from "../exporter.js";
import { onDemand } from "../internal/on-demand.js";
import type { AnyMeasurement, Point } from "../measurement.js";
import { columnsOf, type Column } from "./table-columns.js";
import { writerTo } from "./write.js";

export interface TableOptions {
  /** Declarations of what will be exported: they tell the units. Without them units are guessed from the names of the fields. */
  readonly measurements?: readonly AnyMeasurement[];
  /** Rows per table; the rest is counted below it. Default 50. */
  readonly rows?: number;
  /** Colours. Default: when the stream is a terminal. */
  readonly colours?: boolean;
}

/** So many points that a flush is one batch, and one batch is one set of tables. */
const batchPoints = 100_000;

/**
 * Tables for people: one per measurement of each flush, largest traffic first, in human units. Columns that say the same in every
 * deployment (`host`, `service`) or nothing in this batch are left out. The stream stays the caller's: it is never ended.
 */
export function tableExporter(stream: Writable, options: TableOptions = {}): Exporter {
  const Table = onDemand.table();
  const write = writerTo(stream);
  const colour = pc.createColors(options.colours ?? (stream as { isTTY?: boolean }).isTTY === true);
  const specs = new Map((options.measurements ?? []).map((measurement) => [measurement.name, measurement]));
  const most = options.rows ?? 50;

  const tableOf = (measurement: string, points: readonly Point[]): string => {
    const columns = columnsOf(points, specs.get(measurement));
    const sorted = [...points].sort((a, b) => traffic(b, columns) - traffic(a, columns));
    const table = new Table({
      head: columns.map(({ title }) => colour.bold(title)),
      colAligns: columns.map(({ isNumber }) => (isNumber ? "right" : "left")),
      style: { head: [], border: [], compact: true },
    });
    table.push(...sorted.slice(0, most).map((point) => columns.map((column) => column.cell(point))));
    const hidden = points.length - most;
    const title = `${colour.cyan(colour.bold(measurement))} ${colour.dim(timeOf(points[0]!))}`;
    return [title, table.toString(), ...(hidden > 0 ? [colour.dim(`and ${hidden} more`)] : []), ""].join("\n");
  };

  return {
    name: "table",
    spool: false,
    batchPoints,
    export: (points) => {
      const groups = new Map<string, Point[]>();
      for (const point of points) {
        const group = groups.get(point.measurement);
        if (group === undefined) groups.set(point.measurement, [point]);
        else group.push(point);
      }
      return write([...groups].map(([measurement, group]) => `${tableOf(measurement, group)}\n`).join(""));
    },
  };
}

const traffic = (point: Point, columns: readonly Column[]): number =>
  columns.reduce((sum, { isBytes, value }) => (isBytes ? sum + Number(value(point) ?? 0) : sum), 0);

const timeOf = ({ time }: Point): string => new Date(Number(time / 1_000_000n)).toISOString();
