// SPDX-License-Identifier: MIT
// What linking costs on one core: spans of whole traces, received as protobuf, linked, stored and handed to an exporter that does
// nothing; and what a million spans in the window cost in memory.
//   bench/linker.ts [spans]        prints and checks its bounds
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Point, spanMeasurement } from "@skep/core";
import { decodePoints, encodePoints, splitPoints } from "@skep/exporter-datakit";
import { Linker, memoryStore, sqliteStore } from "@skep/linker";

/** Spans of a processor second of linking at least, and bytes of memory per span in the window at most. */
const bounds = { sqlite: 12_000, memory: 14_000, bytesPerSpan: 230 };
const BATCH = 512;
/** Calls of a trace: two spans each. */
const CALLS = 8;

/** Both ends of call number `n`: a chain of CALLS processes. */
function callOf(n: number): Point[] {
  const step = n % CALLS;
  const trace = Math.floor(n / CALLS);
  const exchange = { req_seq: Math.imul(n + 1, 0x9e3779b1) >>> 0, resp_seq: Math.imul(n + 1, 0x85ebca6b) >>> 0 };
  const client = { ip: `10.0.${trace & 255}.${step}`, port: String(1024 + (n % 60_000)) };
  const server = { ip: `10.0.${trace & 255}.${step + 1}`, port: "8080" };
  return (["outgoing", "incoming"] as const).map((direction) => {
    const [src, dst] = direction === "incoming" ? [server, client] : [client, server];
    const type = direction === "incoming" ? "entry" : "exit";
    const process = step + (direction === "incoming" ? 1 : 0);
    return spanMeasurement.point(
      1_700_000_000_000_000_000n + BigInt(n) * 1_000n,
      { service: `service-${process}`, host: `host-${process}` },
      {
        service: `service-${process}`,
        source_type: "ebpf",
        ebpf_span_type: type,
        span_type: type,
        direction,
        ...exchange,
        thread_trace_id: (BigInt(trace) << 8n) + BigInt(process) + 2n ** 61n,
        tid: 1000 + process,
        ktime: BigInt(n) * 1_000n,
        start: 1_700_000_000_000_000 + n,
        duration: 1_200,
        pid: String(1000 + process),
        process_name: `service-${process}`,
        thread_name: "worker",
        src_ip: src.ip,
        src_port: src.port,
        dst_ip: dst.ip,
        dst_port: dst.port,
        bytes_read: 320,
        bytes_written: 180,
        operation: "HTTP",
        resource: "GET /api/orders/items",
        status: "ok",
        http_method: "GET",
        http_route: "/api/orders/items",
        http_version: "1.1",
        http_status_code: "200",
      },
    );
  });
}

/** Bodies as agents send them; the two ends of a call come in different ones. */
function* bodies(spans: number): Generator<Uint8Array> {
  const [outgoing, incoming]: [Point[], Point[]] = [[], []];
  for (let n = 0; n * 2 < spans; n++) {
    const [out, into] = callOf(n) as [Point, Point];
    outgoing.push(out);
    incoming.push(into);
    if (outgoing.length < BATCH) continue;
    yield encodePoints(outgoing.splice(0));
    yield encodePoints(incoming.splice(0));
  }
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function throughput(kind: "sqlite" | "memory", spans: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-bench-linker-"));
  const store = kind === "sqlite" ? sqliteStore({ path: join(directory, "spans.db") }) : memoryStore();
  let exported = 0;
  const sink = { name: "sink", export: (points: readonly Point[]) => void (exported += points.length) };
  // A round is a window: what it forgets meanwhile is part of the price.
  const linker = new Linker({ exporters: [sink], store, windowMs: 3_600_000, maxSpans: 300_000 });
  const received = [...bodies(spans)];
  const start = cpuSeconds();
  let [receiving, linking] = [0, 0];
  for (let at = 0; at < received.length; at += 64) {
    const before = cpuSeconds();
    for (const body of received.slice(at, at + 64)) linker.receive(decodePoints(body, "tracing"), splitPoints(body));
    const between = cpuSeconds();
    await linker.flush();
    receiving += between - before;
    linking += cpuSeconds() - between;
  }
  const seconds = cpuSeconds() - start;
  const { linked, roots } = linker.status();
  const rate = Math.round(exported / seconds);
  const micros = (share: number) => `${((share / exported) * 1e6).toFixed(1)} us`;
  console.log(
    `${kind}: ${exported} spans, ${rate} a processor second (receive ${micros(receiving)}, link and export ${micros(linking)}; ` +
      `${linked} with parent, ${roots} roots)`,
  );
  await linker.close();
  rmSync(directory, { recursive: true });
  if (linked < exported * 0.85) throw new Error("the trees are not the true ones");
  if (rate < bounds[kind]) process.exitCode = 1;
}

async function memory(spans: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-bench-linker-"));
  const store = sqliteStore({ path: join(directory, "spans.db") });
  const linker = new Linker({ exporters: [], store, windowMs: 3_600_000 });
  for (const body of bodies(4 * BATCH)) linker.receive(decodePoints(body, "tracing"), splitPoints(body));
  const resident = () => {
    globalThis.gc?.();
    return process.memoryUsage().rss;
  };
  const before = resident();
  let n = 0;
  for (const body of bodies(spans)) if (n++ >= 4) linker.receive(decodePoints(body, "tracing"), splitPoints(body));
  const { held, heldBytes } = linker.status();
  const perSpan = (resident() - before) / held;
  console.log(
    `memory: ${held} spans in the window, ${Math.round(perSpan)} bytes of memory each (${((perSpan * 1e6) / 2 ** 20).toFixed(0)} MiB a ` +
      `million), ${Math.round(heldBytes / held)} bytes each in the store`,
  );
  await linker.close();
  rmSync(directory, { recursive: true });
  if (perSpan > bounds.bytesPerSpan) process.exitCode = 1;
}

// Each in a process of its own, so that no other's garbage is measured.
const [, , task, count] = process.argv;
const spans = Number(count ?? (Number(task) || 400_000));
if (task === "sqlite" || task === "memory-store") await throughput(task === "sqlite" ? "sqlite" : "memory", spans);
else if (task === "window") await memory(spans);
else {
  for (const [name, amount] of [
    ["sqlite", spans],
    ["memory-store", spans],
    ["window", 1_000_000],
  ] as const) {
    const child = fork(fileURLToPath(import.meta.url), [name, String(amount)], {
      execArgv: [...process.execArgv, "--expose-gc"],
    });
    const [code] = (await once(child, "exit")) as [number];
    if (code !== 0) process.exitCode = 1;
  }
}
