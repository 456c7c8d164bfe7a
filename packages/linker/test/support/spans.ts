// SPDX-License-Identifier: MIT

import { type Exporter, type Point, spanMeasurement } from "@skep/core";

/** One exchange between two processes, as truth has it. */
export interface Exchange {
  /** Addresses `ip:port` of the end that asks and of the one that answers. */
  readonly client: string;
  readonly server: string;
  readonly requestSeq: number;
  readonly responseSeq: number;
}

export interface SpanOptions {
  readonly name: string;
  readonly thread: bigint | number;
  readonly host?: string;
  readonly pid?: number;
  readonly fields?: Record<string, string | number | bigint>;
}

/** What an agent sees of an exchange at one end. */
export function endOf(exchange: Exchange, direction: "incoming" | "outgoing", options: SpanOptions): Point {
  const { name, thread, host = "h", pid = 1, fields = {} } = options;
  const incoming = direction === "incoming";
  const [source, peer] = incoming ? [exchange.server, exchange.client] : [exchange.client, exchange.server];
  const type = incoming ? "entry" : "exit";
  const point = spanMeasurement.point(
    1_700_000_000_000_000_000n,
    { service: `s${pid}`, host },
    {
      service: `s${pid}`,
      source_type: "ebpf",
      ebpf_span_type: type,
      span_type: type,
      direction,
      req_seq: exchange.requestSeq,
      resp_seq: exchange.responseSeq,
      thread_trace_id: thread,
      ktime: 1n,
      start: 1_700_000_000_000_000,
      duration: 1,
      pid: String(pid),
      process_name: "p",
      thread_name: "t",
      src_ip: source.slice(0, source.lastIndexOf(":")),
      src_port: source.slice(source.lastIndexOf(":") + 1),
      dst_ip: peer.slice(0, peer.lastIndexOf(":")),
      dst_port: peer.slice(peer.lastIndexOf(":") + 1),
      bytes_read: 1,
      bytes_written: 1,
      resource: name,
    },
  );
  Object.assign(point.fields, fields);
  return point;
}

/** Both ends of the nth call, which `caller`'s thread makes and `callee`'s thread answers. */
export function call(n: number, caller: bigint | number, callee: bigint | number): { out: Point; in: Point } {
  const exchange = exchangeOf(n);
  return {
    out: endOf(exchange, "outgoing", { name: `out${n}`, thread: caller, pid: pidOf(caller) }),
    in: endOf(exchange, "incoming", { name: `in${n}`, thread: callee, pid: pidOf(callee) }),
  };
}

/** The process of a piece of work. */
export const pidOf = (thread: bigint | number): number => 100 + (Number(thread) % 7);

/** An exchange that has nothing in common with another number's, as kernels make them. */
export function exchangeOf(n: number): Exchange {
  return {
    client: `10.0.${(n >> 8) & 255}.${n & 255}:${1024 + (n % 60_000)}`,
    server: `10.1.0.${n % 250}:80`,
    requestSeq: Math.imul(n + 1, 0x9e3779b1) >>> 0,
    responseSeq: Math.imul(n + 1, 0x85ebca6b) >>> 0,
  };
}

/** Keeps what it is given. */
export class Collected implements Exporter {
  readonly name = "collected";
  readonly points: Point[] = [];
  readonly batches: number[] = [];
  export(points: readonly Point[]): void {
    this.points.push(...points);
    this.batches.push(points.length);
  }

  /** Name of each span -> that of its parent, or "". A span exported twice counts once, if it says the same. */
  parents(key: "parent_id" | "ebpf_parent_id" = "ebpf_parent_id"): Map<string, string> {
    const names = new Map(this.points.map(({ fields }) => [fields["span_id"], fields["resource"] as string]));
    const parents = new Map<string, string>();
    for (const { fields } of this.points) {
      const parent = fields[key] === "0" ? "" : names.get(fields[key]!);
      const name = fields["resource"] as string;
      if (parent === undefined) throw new Error(`${name} has a parent nobody exported`);
      if (parents.has(name) && parents.get(name) !== parent) throw new Error(`${name} has two parents`);
      parents.set(name, parent);
    }
    return new Map([...parents].sort());
  }
  fieldOf(name: string, field: string): unknown {
    return this.points.find(({ fields }) => fields["resource"] === name)?.fields[field];
  }
  /** Names of the spans of each trace. */
  traces(key: "trace_id" | "ebpf_trace_id" = "ebpf_trace_id"): Map<unknown, string[]> {
    const traces = new Map<unknown, string[]>();
    for (const { fields } of this.points) {
      const spans = traces.get(fields[key]) ?? [];
      traces.set(fields[key], [...spans, fields["resource"] as string]);
    }
    return traces;
  }
}
