// SPDX-License-Identifier: MIT

import { humanBytes, humanTime, printable, type Point } from "@skep/core";

/** What is shown of many points that mean the same: a line of the screen. */
export interface Row {
  readonly texts: readonly string[];
  /** Sums and the like since the row is known. */
  readonly total: Readonly<Record<string, number>>;
  /** The same of the last interval, per second where that is a rate. */
  readonly now: Readonly<Record<string, number>>;
}

export interface TopColumn {
  readonly title: string;
  /** What rows are sorted by; text sorts upwards first, numbers downwards. */
  value(row: Row): string | number;
  /** What the cell shows. */
  cell(row: Row): string;
}

/** One of the lists of `skep top`. */
export interface View {
  readonly name: string;
  readonly measurement: string;
  readonly columns: readonly TopColumn[];
  /** Column it is sorted by at first. */
  readonly sortedBy: number;
  /** Seconds after which a row that nothing was heard of goes. */
  readonly keepSeconds: number;
  /** What makes points one row: the texts of its first columns. Undefined: not worth a row. */
  textsOf(point: Point): readonly string[] | undefined;
  /** What a point adds to its row. */
  numbersOf(point: Point): Readonly<Record<string, number>>;
}

const number = (value: unknown): number => Number(value ?? 0);

const end = (ip = "", port = ""): string => `${ip.includes(":") ? `[${ip}]` : ip}:${port}`;

const textColumn = (title: string, index: number): TopColumn => ({
  title,
  value: ({ texts }) => texts[index] ?? "",
  cell: ({ texts }) => printable(texts[index] ?? ""),
});
const numberColumn = (title: string, of: (row: Row) => number, show: (value: number) => string): TopColumn => ({
  title,
  value: of,
  cell: (row) => (of(row) === 0 ? "" : show(of(row))),
});
const rate = (value: number): string => `${humanBytes(Math.round(value))}/s`;
const perSecond = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
const count = (value: number): string => String(Math.round(value));
const nanoseconds = (value: number): string => humanTime(Math.round(value), "ns") ?? "";
const meanLatency = ({ total }: Row): number => (total["count"] ? number(total["latencySum"]) / total["count"] : 0);

/** Codes of DNS answers (RFC 6895) that are seen. */
const rcodes: Readonly<Record<string, string>> = {
  "-1": "no answer",
  "0": "ok",
  "1": "FormErr",
  "2": "ServFail",
  "3": "NXDomain",
  "4": "NotImp",
  "5": "Refused",
};

const connections: View = {
  name: "connections",
  measurement: "netflow",
  sortedBy: 4,
  keepSeconds: 30,
  columns: [
    textColumn("process", 0),
    textColumn("local", 1),
    textColumn("peer", 2),
    textColumn("name", 3),
    numberColumn("in", ({ now }) => number(now["read"]), rate),
    numberColumn("out", ({ now }) => number(now["written"]), rate),
    numberColumn("total in", ({ total }) => number(total["read"]), humanBytes),
    numberColumn("total out", ({ total }) => number(total["written"]), humanBytes),
    numberColumn("opened", ({ total }) => number(total["opened"]), count),
    numberColumn("retrans", ({ total }) => number(total["retransmits"]), count),
  ],
  textsOf: ({ tags }) => [
    `${tags["process_name"] ?? ""} ${tags["pid"] ?? ""}`,
    end(tags["src_ip"], tags["src_port"]),
    `${tags["direction"] === "incoming" ? "<" : ">"} ${end(tags["dst_ip"], tags["dst_port"])} ${tags["transport"] ?? ""}`,
    tags["dst_domain"] ?? "",
  ],
  numbersOf: ({ fields }) => ({
    read: number(fields["bytes_read"]),
    written: number(fields["bytes_written"]),
    opened: number(fields["tcp_established"]),
    retransmits: number(fields["retransmits"]),
  }),
};

const requests: View = {
  name: "requests",
  measurement: "httpflow",
  sortedBy: 4,
  keepSeconds: 60,
  columns: [
    textColumn("process", 0),
    textColumn("peer", 1),
    textColumn("request", 2),
    textColumn("status", 3),
    numberColumn("req/s", ({ now }) => number(now["count"]), perSecond),
    numberColumn("total", ({ total }) => number(total["count"]), count),
    numberColumn("mean", meanLatency, nanoseconds),
  ],
  textsOf: ({ tags, fields }) => [
    `${tags["process_name"] ?? ""} ${tags["pid"] ?? ""}`,
    `${tags["direction"] === "incoming" ? "<" : ">"} ${end(tags["dst_ip"], tags["dst_port"])}`,
    `${String(fields["method"] ?? "")} ${String(fields["path"] ?? "")}`,
    fields["status_code"] === 0 ? "none" : String(fields["status_code"] ?? ""),
  ],
  numbersOf: ({ fields }) => ({
    count: number(fields["count"]),
    latencySum: number(fields["latency"]) * number(fields["count"]),
  }),
};

const names: View = {
  name: "names",
  measurement: "dnsflow",
  sortedBy: 3,
  keepSeconds: 60,
  columns: [
    textColumn("process", 0),
    textColumn("server", 1),
    textColumn("answer", 2),
    numberColumn("asked/s", ({ now }) => number(now["count"]), perSecond),
    numberColumn("total", ({ total }) => number(total["count"]), count),
    numberColumn("mean", meanLatency, nanoseconds),
  ],
  textsOf: ({ tags, fields }) => [
    `${tags["process_name"] ?? ""} ${tags["pid"] ?? ""}`,
    `${tags["direction"] === "incoming" ? "<" : ">"} ${end(tags["dst_ip"], tags["dst_port"])} ${tags["transport"] ?? ""}`,
    rcodes[String(fields["rcode"])] ?? String(fields["rcode"]),
  ],
  numbersOf: ({ fields }) => ({
    count: number(fields["count"]),
    latencySum: number(fields["latency"]) * number(fields["count"]),
  }),
};

const commands: View = {
  name: "commands",
  measurement: "bash",
  sortedBy: 0,
  keepSeconds: 600,
  columns: [textColumn("time", 0), textColumn("user", 1), textColumn("pid", 2), textColumn("command", 3)],
  textsOf: ({ time, fields }) => [
    new Date(Number(time / 1_000_000n)).toISOString().slice(11, 23),
    String(fields["user"] ?? ""),
    String(fields["pid"] ?? ""),
    String(fields["cmd"] ?? ""),
  ],
  numbersOf: () => ({}),
};

/** The lists of `skep top`, in the order of their keys 1, 2, ... */
export const views: readonly [View, ...View[]] = [connections, requests, names, commands];
