// SPDX-License-Identifier: MIT

import type { Writable } from "node:stream";
import type { Exporter } from "../exporter.js";
import type { AnyMeasurement, FieldValue, Point } from "../measurement.js";
import { writerTo } from "./write.js";

export interface LineProtocolOptions {
  /** Declarations of what will be exported: a float that happens to be whole is then still written as a float. */
  readonly measurements?: readonly AnyMeasurement[];
}

/**
 * InfluxDB line protocol, one point after another, each ended by a newline. The stream stays the caller's: it is never ended.
 */
export function lineProtocolExporter(stream: Writable, options: LineProtocolOptions = {}): Exporter {
  const write = writerTo(stream);
  const isFloat = floatsOf(options.measurements ?? []);
  return {
    name: "line",
    spool: false,
    export: (points) => write(points.map((point) => line(point, isFloat)).join("")),
  };
}

/**
 * A point in line protocol with its newline; empty when it has no field the protocol can say (NaN, infinities). Tags are in the
 * order of their names, which is what InfluxDB sorts fastest; tags without a value are left out, as the protocol has no empty tag.
 * A newline in a string field stays, inside its quotes; elsewhere the protocol knows none and it becomes a space.
 */
export function lineProtocol(point: Point, measurements: readonly AnyMeasurement[] = []): string {
  return line(point, floatsOf(measurements));
}

type IsFloat = (measurement: string, field: string) => boolean;

function line({ measurement, time, tags, fields }: Point, isFloat: IsFloat): string {
  const values = Object.entries(fields).flatMap(([name, value]) => {
    const text = fieldValue(value, isFloat(measurement, name));
    return text === undefined ? [] : [`${escapeKey(name)}=${text}`];
  });
  if (values.length === 0) return "";
  const labels = Object.entries(tags)
    .map(([name, value]) => [escapeKey(name), escapeKey(value)] as const)
    .filter(([name, value]) => name !== "" && value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `,${name}=${value}`);
  return `${escapeName(measurement)}${labels.join("")} ${values.join(",")} ${time}\n`;
}

function fieldValue(value: FieldValue, float: boolean): string | undefined {
  switch (typeof value) {
    case "bigint":
      return `${value}i`;
    case "boolean":
      return String(value);
    case "string":
      return `"${value.replace(/["\\]/g, "\\$&")}"`;
    case "number":
      if (!Number.isFinite(value)) return undefined;
      return Number.isInteger(value) && !float ? `${BigInt(value)}i` : String(value);
  }
}

/** A backslash at the end would escape what follows it, and cannot itself be escaped. */
const tame = (text: string): string => text.replace(/[\r\n]+/g, " ").replace(/\\+$/, "");
const escapeName = (text: string): string => tame(text).replace(/[, ]/g, "\\$&");
const escapeKey = (text: string): string => tame(text).replace(/[,= ]/g, "\\$&");

function floatsOf(measurements: readonly AnyMeasurement[]): IsFloat {
  const floats = new Map(
    measurements.map(({ name, fields }) => [
      name,
      new Set(Object.keys(fields).filter((field) => fields[field]!.type === "float")),
    ]),
  );
  return (measurement, field) => floats.get(measurement)?.has(field) ?? false;
}
