// SPDX-License-Identifier: MIT

import type { AnyMeasurement, FieldValue, Point } from "../measurement.js";
import { humanBytes, humanTime } from "./human-units.js";

/** A column of the console table. */
export interface Column {
  readonly title: string;
  readonly isNumber: boolean;
  readonly isBytes: boolean;
  value(point: Point): FieldValue | undefined;
  /** What the cell shows. */
  cell(point: Point): string;
}

/** Tags that say nothing about one point among others, or what another column says. */
const dull = /^(host|service|source|family|netns|(src|dst)_ip_type)$/;

const saysSomething = (value: FieldValue | undefined): boolean =>
  value !== undefined && value !== "" && value !== "N/A";

/** Tags, then fields, of a measurement's points; those that are empty in all of them are left out. */
export function columnsOf(points: readonly Point[], spec: AnyMeasurement | undefined): Column[] {
  const tags = namesIn(points, (point) => point.tags).filter((name) => !dull.test(name));
  const fields = namesIn(points, (point) => point.fields);
  const ends = tags.filter((name) => name.endsWith("_ip") && tags.includes(portOf(name)));
  const columns = [
    ...tags
      .filter((name) => !ends.some((end) => portOf(end) === name))
      .map((name) => (ends.includes(name) ? endColumn(name) : tagColumn(name))),
    ...fields.map((name) => fieldColumn(name, spec?.fields[name]?.unit ?? guessUnit(name))),
  ];
  return columns.filter((column) => points.some((point) => saysSomething(column.value(point))));
}

const portOf = (ip: string): string => ip.replace(/_ip$/, "_port");

const namesIn = (points: readonly Point[], of: (point: Point) => object): string[] => [
  ...new Set(points.flatMap((point) => Object.keys(of(point)))),
];

const tagColumn = (name: string): Column => ({
  title: name,
  isNumber: false,
  isBytes: false,
  value: (point) => point.tags[name],
  cell: (point) => printable(point.tags[name] ?? ""),
});

/** `src_ip` and `src_port` in one column. */
function endColumn(ip: string): Column {
  const show = ({ tags }: Point): string => {
    const address = tags[ip] ?? "";
    if (!saysSomething(address)) return "";
    return `${address.includes(":") ? `[${address}]` : address}:${tags[portOf(ip)] ?? ""}`;
  };
  return { title: ip.replace(/_ip$/, ""), isNumber: false, isBytes: false, value: show, cell: show };
}

function fieldColumn(name: string, unit: string): Column {
  const isBytes = unit === "By" || unit === "B";
  const value = (point: Point) => point.fields[name];
  const cell = (point: Point): string => {
    const raw = value(point);
    if (typeof raw === "string") return printable(raw);
    if (typeof raw !== "number" && typeof raw !== "bigint") return raw === undefined ? "" : String(raw);
    return isBytes ? humanBytes(Number(raw)) : (humanTime(Number(raw), unit) ?? String(raw));
  };
  return { title: name, isNumber: true, isBytes, value, cell };
}

function guessUnit(name: string): string {
  if (name.startsWith("bytes") || name.endsWith("bytes")) return "By";
  if (name.startsWith("latency")) return "ns";
  return name === "rtt" || name === "rtt_var" ? "us" : "1";
}

/** What was observed must not steer the terminal: control characters are shown, not obeyed. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);
