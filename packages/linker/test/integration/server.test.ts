// SPDX-License-Identifier: MIT

import { gzipSync } from "node:zlib";
import { lineProtocol, type Point, spanMeasurement } from "@skep/core";
import { datakitExporters, encodePoints } from "@skep/exporter-datakit";
import { otlpExporters } from "@skep/exporter-otlp";
import test, { type ExecutionContext } from "ava";
import protobuf from "protobufjs";
import { fileURLToPath } from "node:url";
import { Linker, type LinkerOptions, serveLinker } from "../../src/index.js";
import { FakeClock } from "../support/fake-clock.js";
import { call, Collected } from "../support/spans.js";

const ends = call(1, 10, 20);
const spans = [ends.out, ends.in];
const protobufType = { "content-type": "application/protobuf; proto=com.guance.Point" };

async function setUp(t: ExecutionContext, options: Partial<LinkerOptions> = {}, maxBody?: number) {
  const exporter = new Collected();
  const linker = new Linker({ exporters: [exporter], clock: new FakeClock(), ...options });
  const server = await serveLinker(linker, { port: 0, ...(maxBody && { maxBody }) });
  t.teardown(async () => {
    await server.close();
    await linker.close();
  });
  const url = `http://127.0.0.1:${server.port}`;
  const post = (path: string, body: Uint8Array | string, headers: Record<string, string>) =>
    fetch(`${url}${path}`, { method: "POST", body, headers });
  return { exporter, linker, url, post, port: server.port };
}

test("spans come as protobuf or line protocol, packed or not, and are the same spans", async (t) => {
  const { linker, post, exporter } = await setUp(t);
  const line = spans.map((point) => lineProtocol(point)).join("");
  const bodies: [string, Uint8Array | string, Record<string, string>][] = [
    ["/v1/bpftracing", encodePoints(spans), protobufType],
    [
      "/v1/bpftracing?input=ebpf-net%2Fbpftracing",
      gzipSync(encodePoints(spans)),
      { ...protobufType, "content-encoding": "gzip" },
    ],
    ["/v1/bpftracing", line, { "content-type": "application/line-protocol" }],
    ["/v1/bpftracing", gzipSync(line), { "content-type": "text/plain", "content-encoding": "gzip" }],
    ["/v1/traces", otlp(spans), { "content-type": "application/x-protobuf" }],
    ["/v1/traces", JSON.stringify(otlpJson(spans)), { "content-type": "application/json" }],
  ];
  for (const [path, body, headers] of bodies) {
    const response = await post(path, body, headers);
    t.is(response.status, 200, path);
    if (path.startsWith("/v1/bpftracing")) t.is(await response.text(), "");
  }
  t.like(linker.status(), { accepted: 2, duplicate: 10, invalid: 0 });
  await linker.flush();
  t.is(exporter.parents().get("in1"), "out1");
});

test("exporter-datakit's spans arrive", async (t) => {
  const { linker, port } = await setUp(t);
  for (const encoding of ["protobuf", "line"] as const) {
    const exporters = datakitExporters({
      server: "127.0.0.1:1",
      traceServer: `127.0.0.1:${port}`,
      encoding,
      gzip: true,
    });
    const traces = exporters.find(({ accepts }) => typeof accepts === "function" && accepts(spans[0]!))!;
    await traces.export(spans, { signal: AbortSignal.timeout(5_000) });
  }
  t.like(linker.status(), { accepted: 2, duplicate: 2 });
});

test("exporter-otlp's spans arrive, as OpenTelemetry's own serializers write them, and are those DataKit's endpoint gets", async (t) => {
  const { linker, port, exporter } = await setUp(t);
  const long = { ...ends.in, fields: { ...ends.in.fields, thread_trace_id: 2n ** 62n + 1n } };
  for (const protocol of ["http/protobuf", "http/json"] as const) {
    const exporters = otlpExporters({
      endpoint: `http://127.0.0.1:${port}`,
      protocol,
      compression: "gzip",
      signals: ["traces"],
      measurements: [spanMeasurement],
    });
    for (const traces of exporters) {
      await traces.export([ends.out, long], { signal: AbortSignal.timeout(5_000) });
      await traces.close?.();
    }
  }
  t.like(linker.status(), { accepted: 2, duplicate: 2, invalid: 0 });
  t.is(linker.receive([ends.out, long]).duplicate, 2);
  await linker.flush();
  t.is(exporter.parents().get("in1"), "out1");
  const { service: _, ...given } = ends.out.fields;
  t.like(
    exporter.points.find(({ fields }) => fields["resource"] === "out1"),
    {
      tags: ends.out.tags,
      fields: { ...given, ktime: 1, thread_trace_id: Number(given["thread_trace_id"]) },
    },
  );
});

test("OTLP says how many spans of a request cannot be linked; DataKit's endpoint refuses a request of which none can", async (t) => {
  const { post } = await setUp(t);
  const stranger: Point = { ...ends.out, fields: { resource: "an SDK's span" } };
  const partial = await post("/v1/traces", JSON.stringify(otlpJson([...spans, stranger])), {
    "content-type": "application/json",
  });
  const { partialSuccess } = (await partial.json()) as { partialSuccess: Record<string, string> };
  t.is(partialSuccess["rejectedSpans"], "1");
  t.is((await post("/v1/bpftracing", encodePoints([stranger]), protobufType)).status, 400);
  t.is((await post("/v1/bpftracing", encodePoints([stranger, ends.in]), protobufType)).status, 200);
});

test("what cannot be served is refused with a status that says why, and the server goes on", async (t) => {
  const { post, url } = await setUp(t, {}, 10_000);
  t.is((await post("/v1/bpftracing", "\u0001\u0002", protobufType)).status, 400);
  t.is((await post("/v1/bpftracing", "", protobufType)).status, 400);
  t.is((await post("/v1/bpftracing", "no line protocol", {})).status, 400);
  t.is((await post("/v1/bpftracing", "x", { ...protobufType, "content-encoding": "gzip" })).status, 400);
  t.is((await post("/v1/bpftracing", "x", { ...protobufType, "content-encoding": "zstd" })).status, 415);
  t.is((await post("/v1/bpftracing", Buffer.alloc(20_000), protobufType)).status, 413);
  const bomb = gzipSync(Buffer.alloc(1_000_000));
  t.is((await post("/v1/bpftracing", bomb, { ...protobufType, "content-encoding": "gzip" })).status, 413);
  t.is((await post("/v1/traces", "{", { "content-type": "application/json" })).status, 400);
  t.is((await post("/v1/traces", "x", { "content-type": "text/plain" })).status, 415);
  t.is((await post("/v1/metrics", "x", {})).status, 404);
  t.is((await fetch(`${url}/v1/traces`)).status, 405);
  t.is((await post("/v1/bpftracing", encodePoints(spans), protobufType)).status, 200);
});

test("a sender that finds no room is told to come again", async (t) => {
  const { post, linker } = await setUp(t, { maxSpans: 1 });
  const response = await post("/v1/bpftracing", encodePoints(spans), protobufType);
  t.is(response.status, 429);
  t.regex(response.headers.get("retry-after")!, /^\d+$/);
  t.is(linker.status().held, 0);
});

test("the counts can be asked for", async (t) => {
  const { post, url } = await setUp(t);
  await post("/v1/bpftracing", encodePoints(spans), protobufType);
  const status = (await (await fetch(`${url}/status`)).json()) as Record<string, number>;
  t.is(status["accepted"], 2);
});

/** The request as its JSON. */
function otlpJson(points: readonly Point[]): object {
  const attribute = (key: string, value: unknown) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) },
  });
  return {
    resourceSpans: points.map(({ tags, fields, time }) => ({
      resource: { attributes: [attribute("service.name", tags["service"]), attribute("host.name", tags["host"])] },
      scopeSpans: [
        {
          spans: [
            {
              name: fields["resource"],
              traceId: "",
              startTimeUnixNano: String(time),
              endTimeUnixNano: String(time + 1_000n),
              attributes: Object.entries(fields).map(([key, value]) => attribute(key, value)),
            },
          ],
        },
      ],
    })),
  };
}

function otlp(points: readonly Point[]): Uint8Array {
  const file = fileURLToPath(new URL("../../proto/otlp-trace.proto", import.meta.url));
  const Request = protobuf.loadSync(file).lookupType("ExportTraceServiceRequest");
  return Request.encode(Request.fromObject(otlpJson(points))).finish();
}
