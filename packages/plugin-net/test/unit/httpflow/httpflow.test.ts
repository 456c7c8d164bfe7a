// SPDX-License-Identifier: MIT

import test from "ava";
import { DomainNames, KubernetesMetadata, NatTable, type Point } from "@skep/core";
import { httpOrder } from "../../../src/http-codec.gen.js";
import { EventFlag, EventKind, OrderKind } from "../../../src/httpflow/contract.js";
import { type Run, startAgent } from "../support/agent.js";
import { cursorOn } from "../support/encode.js";
import { connectionBytes, Flag, Seen } from "../support/records.js";
import { chunkBytes, endBytes, exchangeBytes, type ExchangeRecord, streamBytes } from "./support/http-records.js";

const { INCOMING, RESPONDED, WRITTEN, CONTINUED, LAST, OWNER_ASSUMED } = EventFlag;

/** Lets records come out of the ring. */
async function push({ kernel, clock }: Run, ...records: Uint8Array[]): Promise<void> {
  for (const record of records) kernel.ring("http_events").push(record);
  await clock.advance(100);
}

const exchange = (record: Partial<ExchangeRecord> = {}) => exchangeBytes(record);
const httpPoints = (run: Run): Point[] => run.takePoints().filter(({ measurement }) => measurement === "httpflow");
const brief = (points: readonly Point[]): string[] =>
  points.map(
    ({ tags, fields }) =>
      `${tags["pid"]} ${String(fields["method"])} ${String(fields["path"])} ${String(fields["status_code"])} x${String(fields["count"])}`,
  );

/** What became of every observation. */
function balanced(run: Run): boolean {
  const { observed, emitted, aggregated, dropped } = run.status().counters;
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return observed === emitted + aggregated + lost;
}

/** The order a connection stands under, if any. */
function orderOf({ kernel }: Run, conn: number) {
  const value = kernel.map("http_orders").lookup(new Uint8Array(BigUint64Array.of(BigInt(conn)).buffer));
  return value && httpOrder.read(cursorOn(value));
}

const text = (bytes: string): Buffer => Buffer.from(bytes);
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

test("like exchanges of one process with one peer are one point", async (t) => {
  const run = await startAgent(t);
  await push(
    run,
    exchange({ requestBytes: 100, responseBytes: 1000, latencyNs: 10, conn: 1, dstPort: 50_000 }),
    exchange({ requestBytes: 50, responseBytes: 500, latencyNs: 21, conn: 2, dstPort: 50_001 }),
  );
  await run.flush();
  const [point, ...others] = httpPoints(run);
  t.deepEqual(others, []);
  t.deepEqual(point!.fields, {
    count: 2,
    method: "GET",
    path: "/",
    http_version: "1.1",
    status_code: 200,
    latency: 16,
    bytes_read: 150,
    bytes_written: 1500,
    truncated: false,
  });
  t.like(point!.tags, {
    direction: "incoming",
    family: "IPv4",
    transport: "tcp",
    src_ip: "10.0.0.1",
    src_port: "8080",
    src_ip_type: "private",
    dst_ip: "10.0.0.2",
    dst_port: "*",
    dst_domain: "",
    dst_nat_ip: "N/A",
    pid: "80",
    process_name: "nginx",
  });
  t.true(balanced(run));
  await run.flush();
  t.deepEqual(httpPoints(run), [], "the next interval begins with nothing");
});

test("exchanges that differ in anything a point tells are points of their own", async (t) => {
  const run = await startAgent(t);
  const different: Partial<ExchangeRecord>[] = [
    {},
    { line: "GET /b HTTP/1.1" },
    { line: "POST / HTTP/1.1" },
    { line: "GET / HTTP/1.0" },
    { status: 404 },
    { flags: INCOMING, status: 0 },
    { flags: RESPONDED },
    { pid: 81 },
    { comm: "nginx2" },
    { netns: 5 },
    { src: "10.0.0.9" },
    { dst: "fd00::1" },
    { srcPort: 8081 },
  ];
  await push(run, ...different.map((record, index) => exchange({ conn: index + 1, ...record })));
  await push(run, ...different.map((record, index) => exchange({ conn: index + 100, ...record })));
  await run.flush();
  const points = httpPoints(run);
  t.is(points.length, different.length);
  t.true(points.every(({ fields }) => fields["count"] === 2));
});

test("bytes are the local end's: who asks reads responses", async (t) => {
  const run = await startAgent(t);
  await push(run, exchange({ flags: RESPONDED, requestBytes: 1, responseBytes: 2, srcPort: 50_000, dstPort: 80 }));
  await run.flush();
  const [point] = httpPoints(run);
  t.like(point!.tags, { direction: "outgoing", src_port: "*", dst_port: "80" });
  t.like(point!.fields, { bytes_read: 2, bytes_written: 1 });
});

test("a request without a response has status 0 and no part in the latency", async (t) => {
  const run = await startAgent(t);
  await push(run, exchange({ flags: INCOMING, status: 0, latencyNs: 0 }), exchange({ latencyNs: 40 }));
  await run.flush();
  t.deepEqual(
    httpPoints(run).map(({ fields }) => [fields["status_code"], fields["latency"]]),
    [
      [0, 0],
      [200, 40],
    ],
  );
});

const amounts = (run: Run): unknown[] =>
  httpPoints(run).map(({ fields }) => [fields["count"], fields["bytes_written"], fields["latency"]]);

test("an exchange that goes on is counted once, and its bytes in the intervals they passed in", async (t) => {
  const run = await startAgent(t);
  run.kernel
    .iterator("http_harvest")
    .returnsOnce([exchangeBytes({ responseBytes: 10, latencyNs: 7 }, true)])
    .returnsOnce([exchangeBytes({ responseBytes: 30, latencyNs: 7 }, true)]);
  const told = [];
  for (let interval = 0; interval < 2; interval++) {
    await run.flush();
    told.push(...amounts(run));
  }
  await push(
    run,
    exchange({ responseBytes: 60, latencyNs: 7 }),
    exchange({ number: 2, responseBytes: 5, latencyNs: 9 }),
  );
  await run.flush();
  told.push(...amounts(run));
  t.deepEqual(told, [
    [1, 10, 7],
    [0, 20, 0],
    [1, 35, 9],
  ]);
  t.true(balanced(run));
});

test("an exchange that is shown to the reader twice is told once", async (t) => {
  const run = await startAgent(t);
  const standing = exchangeBytes({ responseBytes: 10 }, true);
  run.kernel.iterator("http_harvest").returnsOnce([standing, standing]);
  await run.flush();
  t.deepEqual(amounts(run), [[1, 10, 0]]);
  t.true(balanced(run));
});

test("when the last record of an exchange that was told is lost, the next exchange is told whole", async (t) => {
  const run = await startAgent(t);
  run.kernel.iterator("http_harvest").returnsOnce([exchangeBytes({ responseBytes: 10 }, true)]);
  await run.flush();
  t.deepEqual(amounts(run), [[1, 10, 0]]);
  await push(run, exchange({ number: 2, responseBytes: 4, latencyNs: 3 }));
  await run.flush();
  t.deepEqual(amounts(run), [[1, 4, 3]]);
});

test("what was over and goes on adds bytes only, and those once", async (t) => {
  const run = await startAgent(t);
  const reopened = { flags: INCOMING | RESPONDED | CONTINUED, number: 2 };
  await push(run, exchange({ responseBytes: 100, latencyNs: 7 }));
  run.kernel.iterator("http_harvest").returnsOnce([exchangeBytes({ ...reopened, responseBytes: 20 }, true)]);
  await run.flush();
  t.deepEqual(amounts(run), [[1, 120, 7]]);
  await push(run, exchange({ ...reopened, flags: reopened.flags | LAST, responseBytes: 50 }));
  await run.flush();
  t.deepEqual(amounts(run), [[0, 30, 0]]);
});

test("a connection that is handed over in the middle of an exchange that was told adds what came since", async (t) => {
  const run = await startAgent(t);
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n";
  const standing = { responseBytes: head.length + 10, requestBytes: 50, latencyNs: 7 };
  run.kernel.iterator("http_harvest").returnsOnce([exchangeBytes(standing, true)]);
  await run.flush();
  t.deepEqual(amounts(run), [[1, head.length + 10, 7]]);
  await push(
    run,
    streamBytes({
      ...standing,
      line: "GET / HTTP/1.1",
      flags: INCOMING | RESPONDED,
      responseBytes: head.length + 15,
      responseLeft: 15,
    }),
    chunkBytes(text("0123456789abcde"), { flags: INCOMING | WRITTEN }),
  );
  await run.flush();
  t.deepEqual(amounts(run), [[0, 20, 0]]);
  t.true(balanced(run));
});

test("exchanges of a connection nobody is known to have accepted are named by netflow when it closes", async (t) => {
  const run = await startAgent(t);
  const assumed = { flags: INCOMING | RESPONDED | OWNER_ASSUMED, pid: 1, comm: "master" };
  const closed = (id: number, pid: number) =>
    connectionBytes({ id, pid, comm: "worker", direction: Seen.INCOMING, flags: Flag.ESTABLISHED | Flag.CLOSED });
  await push(
    run,
    exchange({ ...assumed, conn: 1 }),
    exchange({ ...assumed, conn: 1 }),
    exchange({ ...assumed, conn: 2 }),
  );
  run.kernel.ring("closed").push(closed(1, 77));
  run.kernel.ring("closed").push(closed(3, 77));
  await run.clock.advance(100);
  await push(run, exchange({ ...assumed, conn: 3 }));
  await run.flush();
  const points = httpPoints(run);
  t.deepEqual(brief(points).sort(), ["1 GET / 200 x1", "77 GET / 200 x3"]);
  t.deepEqual(points.map(({ tags }) => tags["process_name"]).sort(), ["master", "worker"]);
  t.true(balanced(run));
});

test("a live connection's owner is known to netflow at its flush, which comes first", async (t) => {
  const run = await startAgent(t);
  await push(run, exchange({ flags: INCOMING | RESPONDED | OWNER_ASSUMED, pid: 1, comm: "master" }));
  run.kernel
    .iterator("harvest_cast")
    .returns([connectionBytes({ id: 1, pid: 78, comm: "worker", direction: Seen.INCOMING })]);
  await run.flush();
  t.deepEqual(brief(httpPoints(run)), ["78 GET / 200 x1"]);
});

test("a connection that is streamed is decoded, and the kernel told to take it back", async (t) => {
  const run = await startAgent(t);
  const requests = get("/1") + get("/2");
  await push(
    run,
    streamBytes({ conn: 5, readSeq: 10, writtenSeq: 20 }),
    chunkBytes(text(requests), { conn: 5, seq: 10 }),
    chunkBytes(text(ok), { conn: 5, seq: 20, flags: INCOMING | WRITTEN }),
    chunkBytes(text(ok), { conn: 5, seq: 20 + ok.length, flags: INCOMING | WRITTEN }),
  );
  t.deepEqual(orderOf(run, 5), {
    kind: OrderKind.RESUME,
    readSeq: 10 + requests.length,
    writtenSeq: 20 + 2 * ok.length,
  });
  await run.flush();
  t.deepEqual(brief(httpPoints(run)), ["80 GET /1 200 x1", "80 GET /2 200 x1"]);
  t.true(balanced(run));
  await push(run, endBytes(5));
  t.is(orderOf(run, 5), undefined, "an order that came too late does not stay");
  t.true(balanced(run));
});

test("a streamed connection belongs to whom its last chunk says", async (t) => {
  const run = await startAgent(t);
  await push(
    run,
    streamBytes({ conn: 5, flags: INCOMING | OWNER_ASSUMED, pid: 1, comm: "master" }),
    chunkBytes(text(get("/1")), { conn: 5, flags: INCOMING | OWNER_ASSUMED, pid: 1 }),
    chunkBytes(text(ok), { conn: 5, flags: INCOMING | WRITTEN, pid: 79 }),
  );
  await run.flush();
  t.deepEqual(brief(httpPoints(run)), ["79 GET /1 200 x1"]);
});

test("a connection that is not HTTP is ignored, and what still comes of it is no loss", async (t) => {
  const run = await startAgent(t);
  await push(
    run,
    streamBytes({ conn: 5 }),
    chunkBytes(text("ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"), { conn: 5 }),
  );
  t.is(orderOf(run, 5)?.kind, OrderKind.IGNORE);
  await push(run, chunkBytes(text("tttt"), { conn: 5, seq: 70 }), endBytes(5));
  t.deepEqual(run.status().counters.dropped, { http_undecodable: 1 });
  t.true(balanced(run));
});

test("chunks of a connection nobody told of are lost, and asked for no more", async (t) => {
  const run = await startAgent(t);
  await push(run, chunkBytes(text(get("/")), { conn: 9 }), chunkBytes(text(get("/")), { conn: 9 }));
  t.is(orderOf(run, 9)?.kind, OrderKind.IGNORE);
  t.deepEqual(run.status().counters.dropped, { http_unknown_stream: 1 });
  t.true(balanced(run));
});

test("requests of which the responses are missing are counted as lost, not made up", async (t) => {
  const run = await startAgent(t);
  await push(
    run,
    streamBytes({ conn: 5 }),
    chunkBytes(text(get("/1")), { conn: 5 }),
    chunkBytes(text("no beginning of anything\r\n"), { conn: 5, seq: 50, flags: INCOMING | WRITTEN }),
    endBytes(5),
  );
  await run.flush();
  t.deepEqual(httpPoints(run), []);
  t.is(run.status().counters.dropped["http_gap"], 1);
  t.true(balanced(run));
});

test("more connections than fit are refused, counted and ignored", async (t) => {
  const run = await startAgent(t, { config: { httpflow_max_connections: 16 } });
  await push(run, ...Array.from({ length: 18 }, (_, index) => streamBytes({ conn: index + 1 })));
  t.deepEqual(run.status().counters.dropped, { http_too_many_streams: 2 });
  t.is(orderOf(run, 17)?.kind, OrderKind.IGNORE);
  t.is(orderOf(run, 16), undefined);
});

test("more points than fit are folded by path, then refused, and nothing is lost in silence", async (t) => {
  const run = await startAgent(t, { config: { httpflow_max_keys: 64 } });
  const records = Array.from({ length: 200 }, (_, index) =>
    exchange({ line: `GET /${index} HTTP/1.1`, requestBytes: 1 }),
  );
  const parties = Array.from({ length: 100 }, (_, index) => exchange({ pid: index + 1000, conn: index + 1000 }));
  await push(run, ...records, ...parties, ...records);
  await run.flush();
  const points = httpPoints(run);
  t.is(points.length, 128);
  const folded = points.find(({ fields, tags }) => fields["path"] === "*" && tags["pid"] === "80")!;
  t.like(folded.fields, { count: 2 * (200 - 64), truncated: true, method: "GET", bytes_read: 2 * (200 - 64) });
  t.is(run.status().counters.dropped["http_too_many_keys"], 100 - 63);
  t.true(balanced(run));
});

test("NAT, names and the cluster are those of netflow's points", async (t) => {
  const run = await startAgent(t, {
    services: [
      [NatTable, { translate: ({ remotePort }: { remotePort: number }) => ({ ip: "10.9.9.9", port: remotePort + 1 }) }],
      [DomainNames, { nameOf: (ip: string) => `name-of-${ip}`, learn: () => {} }],
      [KubernetesMetadata, { tagsOf: () => ({ sub_source: "K8s", src_k8s_pod_name: "pod" }), serves: () => false }],
    ],
  });
  await push(run, exchange({ flags: RESPONDED, dstPort: 80 }), exchange({ flags: INCOMING | RESPONDED, conn: 2 }));
  await run.flush();
  const [outgoing, incoming] = httpPoints(run);
  t.like(outgoing!.tags, {
    dst_nat_ip: "10.9.9.9",
    dst_nat_port: "81",
    dst_domain: "name-of-10.0.0.2",
    sub_source: "K8s",
    src_k8s_pod_name: "pod",
  });
  t.like(incoming!.tags, { dst_nat_ip: "N/A", dst_nat_port: "N/A" });
});

test("records that make no sense are counted as dropped", async (t) => {
  const run = await startAgent(t);
  const bent = exchange();
  new DataView(bent.buffer).setUint16(126, 500, true); // a line longer than its record
  await push(run, exchange({ line: "" }), bent, exchange({ kind: 99 }), exchange({ kind: EventKind.EXCHANGE }));
  t.deepEqual(run.status().counters.dropped, { undecodable: 2, unknown_kind: 1 });
});

test("a connection whose end was lost is over when netflow does not find it any more", async (t) => {
  const run = await startAgent(t);
  await push(run, streamBytes({ conn: 5 }), chunkBytes(text(get("/1")), { conn: 5 }));
  await push(run, streamBytes({ conn: 6 }), chunkBytes(text(get("/2")), { conn: 6 }));
  run.kernel.iterator("harvest_cast").returns([connectionBytes({ id: 6, direction: Seen.INCOMING })]);
  await run.flush();
  t.deepEqual(brief(httpPoints(run)), ["80 GET /1 0 x1"]);
  t.true(balanced(run));
});

test("without httpflow nothing of it runs", async (t) => {
  const run = await startAgent(t, { config: { l7net_enabled: [] } });
  t.deepEqual(
    run.kernel.links.filter(({ program }) => program.startsWith("http_")),
    [],
  );
  run.kernel.ring("http_events").push(exchange());
  await run.flush();
  t.deepEqual(httpPoints(run), []);
});
