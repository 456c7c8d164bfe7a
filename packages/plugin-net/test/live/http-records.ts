// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { libbpfBackend } from "@skep/backend-libbpf";
import type { Session } from "@skep/core";
import { scopedCgroup, type ScopedCgroup, type Teardown } from "@skep/testkit";
import { httpChunk, httpEvent, httpExchange, httpOrder, type HttpExchange } from "../../src/http-codec.gen.js";
import { net } from "../../src/plugin.js";

export const Kind = { EXCHANGE: 1, STREAM: 2, CHUNK: 3, END: 4 } as const;

/** Flags of http.h by name. */
export const flagNames = [
  ["INCOMING", 1],
  ["WRITTEN", 2],
  ["TLS", 4],
  ["RESPONDED", 8],
  ["CONTINUED", 16],
  ["LAST", 32],
  ["OWNER_ASSUMED", 64],
  ["LINE_CUT", 128],
  ["PREFACE", 256],
  ["UNFRAMED", 512],
  ["MIDWAY", 1024],
] as const;

export interface HttpRecord {
  readonly kind: number;
  readonly conn: number;
  readonly flags: readonly string[];
  /** Of an exchange or the beginning of a stream. */
  readonly exchange?: HttpExchange;
  readonly line?: string;
  /** Of a chunk. */
  readonly chunk?: { readonly seq: number; readonly length: number; readonly bytes: Buffer };
}

/** The HTTP programs alone with netflow's that feed them, limited to a cgroup; their records as they come. */
export interface HttpRecorder {
  readonly cgroup: ScopedCgroup;
  readonly records: HttpRecord[];
  readonly session: Session;
  /** Takes what is in the ring. */
  drain(): readonly HttpRecord[];
  order(conn: number, kind: number, readSeq?: number, writtenSeq?: number): void;
  harvest(): Promise<readonly HttpRecord[]>;
  /** What the kernel could not tell: ring full, map full, truncated, unreadable. */
  lost(): number[];
}

const log = { debug() {}, info() {}, warn() {}, error() {} };
const backend = libbpfBackend();

export async function httpRecorder(
  t: Teardown,
  constants: Readonly<Record<string, number | boolean>> = {},
): Promise<HttpRecorder> {
  const cgroup = scopedCgroup(t, "http");
  const probes = Object.fromEntries(Object.entries(net.probes).filter(([name]) => /^(tcp_|http$)/.test(name)));
  const objects = Object.fromEntries(
    ["netflow", "http"].map((name) => [name, readFileSync(net.objects[name]![process.arch as "x64"]!)]),
  );
  const session = await backend.open({
    plugin: "http-recorder",
    objects,
    probes,
    rodata: { skip_loopback: false, ...constants },
    mapEntries: {},
    scope: { cgroups: [cgroup.path] },
    log: log as never,
  });
  t.teardown(() => session.close());
  await session.attach();
  const records: HttpRecord[] = [];
  const ring = session.ring("http_events");
  const read = (into: HttpRecord[]) => (record: Parameters<Parameters<typeof ring.drain>[0]>[0]) => {
    const kind = httpEvent.kind(record);
    const flags = httpEvent.flags(record);
    const base = {
      kind,
      conn: httpEvent.conn(record),
      flags: flagNames.filter(([, bit]) => flags & bit).map(([name]) => name),
    };
    const from = (size: number, length: number): Buffer =>
      Buffer.from(record.bytes.slice(record.at + size, record.at + size + length));
    if (kind === Kind.EXCHANGE || kind === Kind.STREAM) {
      const exchange = httpExchange.read(record);
      into.push({
        ...base,
        exchange,
        line: from(httpExchange.layout.size, exchange.lineLen).toString("latin1"),
      });
    } else if (kind === Kind.CHUNK) {
      const { seq, length, captured } = httpChunk.read(record);
      into.push({ ...base, chunk: { seq, length, bytes: from(httpChunk.layout.size, captured) } });
    } else into.push(base);
  };
  return {
    cgroup,
    records,
    session,
    drain() {
      const before = records.length;
      ring.drain(read(records), Infinity);
      return records.slice(before);
    },
    order(conn, kind, readSeq = 0, writtenSeq = 0) {
      const key = new Uint8Array(new BigUint64Array([BigInt(conn)]).buffer);
      const value = new Uint8Array(new Uint32Array([kind, readSeq, writtenSeq]).buffer);
      if (value.length !== httpOrder.layout.size) throw new Error("struct http_order has changed");
      session.map("http_orders").update(key, value);
    },
    async harvest() {
      const found: HttpRecord[] = [];
      const iterator = session.iterator("http_harvest");
      await iterator.read(httpExchange.layout.size + 1008, read(found));
      iterator.close();
      return found;
    },
    lost() {
      const values = session.map("skep_stats");
      return [0, 1, 2, 3].map((index) => {
        const value = values.lookup(new Uint8Array(new Uint32Array([index]).buffer))!;
        const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
        let sum = 0;
        for (let at = 0; at < value.byteLength; at += 8) sum += Number(view.getBigUint64(at, true));
        return sum;
      });
    },
  };
}
