// SPDX-License-Identifier: MIT
/**
 * What an HTTP exchange costs in JavaScript: from its record in ring memory to the bucket of its interval (bound: 1.5 us), for
 * traffic of growing variety, and from the bytes of connections that are streamed. Medians of rounds; no kernel, no root.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/httpflow-decode.ts [rounds]
 */
import { Cursor } from "@skep/core";
import { Aggregate } from "../packages/plugin-net/src/httpflow/aggregate.js";
import { ConnectionOwners } from "../packages/plugin-net/src/netflow/owners.js";
import { speakHttp2 } from "../packages/plugin-net/test/unit/httpflow/support/http2-scene.js";
import {
  chunkBytes,
  exchangeBytes,
  streamBytes,
} from "../packages/plugin-net/test/unit/httpflow/support/http-records.js";
import { EventFlag } from "../packages/plugin-net/src/httpflow/contract.js";
import { Streams } from "../packages/plugin-net/src/httpflow/stream/streams.js";
import { median } from "./support/children.js";
import { judge } from "./support/records.js";

const rounds = Number(process.argv[2] ?? 20);
const WARM_UP = 4;
/** Exchanges of one round, which is an interval. */
const EXCHANGES = 100_000;
/** Records lie in as much memory as the kernel's ring has; they are read again and again. */
const RING_BYTES = 8 * 1024 * 1024;
const BOUND_NS = 1500;

/** How varied the traffic is. */
interface Variety {
  readonly name: string;
  readonly connections: number;
  readonly paths: number;
  /** Of ten requests so many have a query that no other one has. */
  readonly queries: number;
  /** Bytes of the longest path. */
  readonly longest: number;
  readonly isAssumed?: boolean;
}

const varieties: readonly Variety[] = [
  { name: "one keep-alive connection, one path", connections: 1, paths: 1, queries: 0, longest: 20 },
  { name: "100 connections, 50 paths", connections: 100, paths: 50, queries: 0, longest: 60 },
  { name: "2,000 connections, 500 paths, half with a query", connections: 2000, paths: 500, queries: 5, longest: 90 },
  {
    name: "10,000 connections, 5,000 paths, up to 400 bytes",
    connections: 10_000,
    paths: 5000,
    queries: 5,
    longest: 400,
  },
  {
    name: "2,000 connections whose owner is assumed",
    connections: 2000,
    paths: 500,
    queries: 5,
    longest: 90,
    isAssumed: true,
  },
];

/** Mulberry32, so that each round is the same. */
function random(seed: number): (below: number) => number {
  let current = seed;
  return (below) => {
    current = (current + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(current ^ (current >>> 15), current | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Records one behind the other, as in a ring, and where each begins. */
interface Records {
  readonly cursor: Cursor;
  readonly at: readonly number[];
}

/** @param room bytes; records that do not fit are left out */
function inMemory(records: Iterable<Uint8Array>, room = Infinity): Records {
  const at: number[] = [];
  const kept: Uint8Array[] = [];
  let size = 0;
  for (const record of records) {
    const end = size + ((record.length + 8 + 7) & ~7);
    if (end > room) break;
    at.push(size + 8);
    kept.push(record);
    size = end;
  }
  const cursor = new Cursor(new ArrayBuffer(size));
  kept.forEach((record, index) => cursor.bytes.set(record, at[index]));
  return { cursor, at };
}

function* traffic({ connections, paths, queries, longest, isAssumed }: Variety): Generator<Uint8Array> {
  const next = random(1);
  const path = (number: number) => `/api/v1/${number}`.padEnd(10 + (number % longest), "x");
  const statuses = [201, 304, 404, 500];
  for (let index = 0; index < EXCHANGES; index++) {
    const conn = 1 + next(connections);
    const query = next(10) < queries ? `?session=${index}&x=${next(1e9)}` : "";
    yield exchangeBytes({
      conn,
      dstPort: 1024 + (conn % 60_000),
      dst: `10.0.0.${conn % 8}`,
      line: `${next(10) === 0 ? "POST" : "GET"} ${path(next(paths))}${query} HTTP/1.1`,
      status: statuses[next(100)] ?? 200,
      flags: EventFlag.INCOMING | EventFlag.RESPONDED | (isAssumed ? EventFlag.OWNER_ASSUMED : 0),
      requestBytes: 300,
      responseBytes: next(10_000),
      latencyNs: next(1e7),
    });
  }
}

const aggregateOf = (): Aggregate =>
  new Aggregate({
    ephemeralPort: 0,
    maxPath: 1024,
    maxKeys: 65_536,
    nameOfProcess: () => "",
    owners: new ConnectionOwners(),
  });

/** Processor time of all threads since `before`, the garbage collector's included, ns. */
function cpuNs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** Nanoseconds for each exchange, one interval a round. */
function measure({ cursor, at }: Records, aggregate: Aggregate): number {
  const before = process.cpuUsage();
  for (let exchange = 0; exchange < EXCHANGES; exchange++) {
    cursor.at = at[exchange % at.length]!;
    aggregate.exchange(cursor, undefined);
  }
  const ns = cpuNs(before);
  aggregate.take();
  return ns / EXCHANGES;
}

/** The median over the rounds. */
function measured(round: () => number): number {
  const each: number[] = [];
  for (let index = -WARM_UP; index < rounds; index++) {
    const ns = round();
    if (index >= 0) each.push(ns);
  }
  return median(each);
}

// ---- what is decoded from bytes ----

const NO_ORDERS = { give() {}, isDone: () => true } as never;

/** Lets records go through the table of streamed connections; nanoseconds for each of `exchanges`. */
function measureStreams(records: readonly Uint8Array[], exchanges: number): number {
  const { cursor, at } = inMemory(records);
  return measured(() => {
    const aggregate = aggregateOf();
    let told = 0;
    const streams = new Streams(
      { told: (ends, exchange) => void (aggregate.add(ends, exchange), told++), lost: () => {} },
      NO_ORDERS,
      1000,
    );
    const before = process.cpuUsage();
    at.forEach((position, index) => {
      cursor.at = position;
      cursor.length = records[index]!.length;
      if (index === 0) streams.begin(cursor, undefined);
      else streams.chunk(cursor);
    });
    const ns = cpuNs(before);
    if (told !== exchanges) throw new Error(`${told} of ${exchanges} exchanges`);
    return ns / exchanges;
  });
}

/** A client that sends 16 requests at a time; nginx answers each by itself. */
function pipeline(): Uint8Array[] {
  const request = "GET /index.html HTTP/1.1\r\nHost: x\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".repeat(16);
  const response = `HTTP/1.1 200 OK\r\nServer: bench\r\nDate: today\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n${"x".repeat(100)}`;
  const records = [streamBytes({})];
  for (let batch = 0; batch < 500; batch++) {
    records.push(chunkBytes(Buffer.from(request), { seq: batch * request.length }));
    for (let number = batch * 16; number < (batch + 1) * 16; number++) {
      const flags = EventFlag.INCOMING | EventFlag.WRITTEN;
      records.push(chunkBytes(Buffer.from(response), { seq: number * response.length, flags }));
    }
  }
  return records;
}

/** What node:http2 writes for 2,000 requests. */
async function http2(): Promise<Uint8Array[]> {
  const exchanges = Array.from({ length: 2000 }, (_, number) => ({
    method: "GET",
    path: `/api/v1/items/${number % 50}?page=${number}`,
    status: 200,
    headers: { "user-agent": "bench", accept: "*/*" },
    responseHeaders: { "content-type": "text/plain", server: "bench" },
    responseBody: Buffer.alloc(100, "x"),
  }));
  const records = [streamBytes({ flags: EventFlag.INCOMING | EventFlag.PREFACE })];
  const next = [0, 0];
  for (const { isRequest, bytes } of await speakHttp2(exchanges)) {
    const side = isRequest ? 0 : 1;
    for (let from = 0; from < bytes.length; from += 4032) {
      const piece = bytes.subarray(from, from + 4032);
      const flags = EventFlag.INCOMING | (isRequest ? 0 : EventFlag.WRITTEN);
      records.push(chunkBytes(piece, { flags, seq: next[side]! }));
      next[side]! += piece.length;
    }
  }
  return records;
}

console.log("from the record of an exchange to its bucket            ns per exchange");
let worst = 0;
for (const variety of varieties) {
  const records = inMemory(traffic(variety), RING_BYTES);
  const aggregate = aggregateOf();
  const ns = measured(() => measure(records, aggregate));
  worst = Math.max(worst, ns);
  console.log(`${variety.name.padEnd(56)}${ns.toFixed(0)}`);
}
console.log("\nfrom the bytes of a streamed connection to the bucket");
console.log(`${"HTTP/1.1, 16 requests at a time".padEnd(56)}${measureStreams(pipeline(), 8000).toFixed(0)}`);
console.log(`${"HTTP/2, as node:http2 writes it".padEnd(56)}${measureStreams(await http2(), 2000).toFixed(0)}\n`);
process.exitCode = judge("worst of the records, ns", worst, `<= ${BOUND_NS}`, worst <= BOUND_NS) ? 0 : 1;
