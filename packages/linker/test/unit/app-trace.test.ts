// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { spanLinkOf, type Point } from "@skep/core";
import { Linker } from "../../src/index.js";
import { chanceKeeps } from "../../src/sampling.js";
import { FakeClock } from "../support/fake-clock.js";
import { call, Collected } from "../support/spans.js";

const w3c = {
  app_trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
  app_parent_id: "00f067aa0ba902b7",
  app_trace_id_h: 0x4bf92f3577b34da6n,
  app_trace_id_l: BigInt.asIntN(64, 0xa3ce929d0e0e4736n),
  app_parent_id_l: 0x00f067aa0ba902b7n,
};
const datadog = {
  app_trace_id: "1234567890",
  app_parent_id: "987654321",
  app_trace_id_l: 1234567890,
  app_parent_id_l: 987654321,
};

/** a -> b -> c, two spans each; the header is at the spans of the second call. */
async function linked(header: Record<string, string | number | bigint>, useAppTraceId: boolean): Promise<Collected> {
  const exporter = new Collected();
  const linker = new Linker({ exporters: [exporter], clock: new FakeClock(), useAppTraceId });
  const [first, second, third] = [call(1, 1, 2), call(2, 2, 3), call(3, 3, 4)];
  for (const { fields } of [second.out, second.in]) Object.assign(fields, header);
  linker.receive([first, second, third].flatMap((ends) => [ends.in, ends.out]));
  await linker.close();
  return exporter;
}

test("a span with a trace of the application's takes it, and hands it to what follows", async (t) => {
  const exporter = await linked(w3c, true);
  const own = exporter.fieldOf("out1", "trace_id");
  t.is(exporter.fieldOf("in1", "trace_id"), own);
  for (const name of ["out2", "in2", "out3", "in3"]) t.is(exporter.fieldOf(name, "trace_id"), w3c.app_trace_id);
  for (const name of ["out2", "in2"]) t.is(exporter.fieldOf(name, "parent_id"), w3c.app_parent_id);
  t.is(exporter.fieldOf("out3", "parent_id"), exporter.fieldOf("in2", "span_id"));
  t.is(exporter.traces("ebpf_trace_id").size, 1);
  t.is(exporter.parents("ebpf_parent_id").get("in2"), "out2");
  t.is(exporter.fieldOf("out2", "app_trace_id_l"), undefined);
});

test("without use_app_trace_id what was observed is all", async (t) => {
  const exporter = await linked(w3c, false);
  t.is(exporter.traces("trace_id").size, 1);
  t.is(exporter.parents("parent_id").get("in2"), "out2");
});

test("Datadog's ids stay decimal, and OpenTelemetry gets the same numbers", async (t) => {
  const exporter = await linked(datadog, true);
  t.is(exporter.fieldOf("in2", "trace_id"), "1234567890");
  t.is(exporter.fieldOf("in2", "parent_id"), "987654321");
  const child = exporter.points.find(({ fields }) => fields["resource"] === "out3")!;
  t.deepEqual(spanLinkOf(child), {
    traceId: (1234567890).toString(16).padStart(32, "0"),
    spanId: child.fields["span_id"] as string,
    parentSpanId: exporter.fieldOf("in2", "span_id") as string,
  });
});

test("ids are made of the numbers where an agent sends no text, in the encoding it names", async (t) => {
  const { app_trace_id: _t, app_parent_id: _p, ...numbers } = w3c;
  const hex = await linked(numbers, true);
  t.is(hex.fieldOf("in2", "trace_id"), w3c.app_trace_id);
  t.is(hex.fieldOf("in2", "parent_id"), w3c.app_parent_id);
  const decimal = await linked({ ...numbers, app_trace_encode: "dec" }, true);
  t.is(decimal.fieldOf("in2", "trace_id"), String(0xa3ce929d0e0e4736n));
});

test("a trace of zeros is none", async (t) => {
  const exporter = await linked({ app_trace_id: "0".repeat(32), app_trace_id_l: 0, app_trace_id_h: 0 }, true);
  t.is(exporter.traces("trace_id").size, 1);
});

test("traces are kept or dropped whole: rejected goes before wanted, wanted before chance", async (t) => {
  const fates: [number[], number, boolean][] = [
    [[], 1, true],
    [[], 0, false],
    [[1], 0, true],
    [[-1], 1, false],
    [[1, -1], 1, false],
  ];
  for (const [verdicts, samplingRate, kept] of fates) {
    const exporter = new Collected();
    const linker = new Linker({ exporters: [exporter], clock: new FakeClock(), samplingRate });
    const spans = [1, 2, 3].flatMap((n) => Object.values(call(n, n, n + 1)));
    verdicts.forEach((verdict, index) => Object.assign(spans[index * 2 + 1]!.fields, { app_span_sampled: verdict }));
    linker.receive(spans);
    await linker.close();
    t.is(exporter.points.length, kept ? 6 : 0, JSON.stringify([verdicts, samplingRate]));
    t.is(linker.status().sampledOut, kept ? 0 : 6);
  }
});

test("chance keeps the share it is told to, and whoever keeps a trace at one rate keeps it at a higher", (t) => {
  const ids = fc.sample(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString("hex")),
    20_000,
  );
  for (const rate of [0.1, 0.5, 0.9]) {
    const kept = ids.filter((id) => chanceKeeps(id, rate));
    t.true(Math.abs(kept.length / new Set(ids).size - rate) < 0.05, `${rate}: ${kept.length}`);
    t.true(kept.every((id) => chanceKeeps(id, rate + 0.05)));
  }
});

test("a point keeps all that it had but the halves of its ids", async (t) => {
  const exporter = new Collected();
  const linker = new Linker({ exporters: [exporter], clock: new FakeClock() });
  const { out } = call(1, 1, 2);
  Object.assign(out.fields, { bytes_read: 2 ** 60, thread_trace_id: 2n ** 62n + 1n, grpc_message: 'ä\n"' });
  linker.receive([out]);
  await linker.close();
  const { span_id, trace_id, parent_id, ebpf_trace_id, ebpf_parent_id, ...rest } = (exporter.points[0] as Point).fields;
  t.true([span_id, trace_id, parent_id, ebpf_trace_id, ebpf_parent_id].every((id) => typeof id === "string"));
  t.deepEqual(rest, { ...out.fields, bytes_read: 2n ** 60n, ktime: 1 });
  t.deepEqual(exporter.points[0]!.tags, out.tags);
});
