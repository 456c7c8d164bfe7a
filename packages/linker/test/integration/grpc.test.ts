// SPDX-License-Identifier: MIT

import { spanMeasurement } from "@skep/core";
import { otlpExporters } from "@skep/exporter-otlp";
import test, { type ExecutionContext } from "ava";
import { Linker } from "../../src/index.js";
import { serveGrpc } from "../../src/receive/grpc.js";
import { FakeClock } from "../support/fake-clock.js";
import { call, Collected } from "../support/spans.js";

const ends = call(1, 10, 20);
const context = { signal: AbortSignal.timeout(20_000) };

async function setUp(t: ExecutionContext, maxSpans: number) {
  const exporter = new Collected();
  const linker = new Linker({ exporters: [exporter], clock: new FakeClock(), maxSpans });
  const server = await serveGrpc(linker, { port: 0 });
  const [traces] = otlpExporters({
    endpoint: `http://127.0.0.1:${server.port}`,
    protocol: "grpc",
    compression: "gzip",
    signals: ["traces"],
    measurements: [spanMeasurement],
  });
  t.teardown(async () => {
    await traces!.close?.();
    await server.close();
    await linker.close();
  });
  return { linker, exporter, traces: traces! };
}

test("spans come over gRPC and are the same spans", async (t) => {
  const { linker, exporter, traces } = await setUp(t, 10);
  await traces.export([ends.in, ends.out], context);
  t.is(linker.receive([ends.in, ends.out]).duplicate, 2);
  await linker.flush();
  t.is(exporter.parents().get("in1"), "out1");
});

test("a sender that finds no room is told that it may come again", async (t) => {
  const { traces } = await setUp(t, 1);
  const error = await t.throwsAsync(async () => traces.export([ends.in, ends.out], context), { name: "ExportError" });
  t.like(error, { options: { retryable: true } });
});
