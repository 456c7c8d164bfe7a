// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { Budget, Conversation, type Exchange, Http1Connection, Side } from "@skep/protocols";
import { appTrace, traceHeaders } from "../../../src/protocols/index.js";
import { holds } from "./support/holds.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const of = (headers: Record<string, string>, toDatadog = false) =>
  appTrace(new Map(Object.entries(headers)), { toDatadog });
const signed = (digits: string): bigint => BigInt.asIntN(64, BigInt(`0x${digits}`));
const ids = (trace = TRACE, parent = SPAN) => ({
  app_trace_id: trace,
  app_parent_id: parent,
  app_trace_id_h: signed(trace.slice(0, 16)),
  app_trace_id_l: signed(trace.slice(16)),
  app_parent_id_l: signed(parent),
  app_trace_encode: "hex",
});

test("traceparent: ids, and the flag's lowest bit says whether the trace is kept", (t) => {
  for (const [flags, sampled] of [
    ["01", 1],
    ["03", 1],
    ["00", -1],
    ["02", -1],
  ] as const) {
    t.deepEqual(of({ traceparent: `00-${TRACE}-${SPAN}-${flags}` }), { ...ids(), app_span_sampled: sampled } as never);
  }
  t.is(of({ traceparent: `cc-${TRACE}-${SPAN}-01-more` }).app_trace_id, TRACE, "later versions may say more");
});

test("traceparent: what the recommendation calls invalid is no trace", (t) => {
  for (const value of [
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`,
    "",
  ]) {
    t.deepEqual(of({ traceparent: value }), {}, value);
  }
});

test("Datadog: ids are decimal, old ones negative, the upper half is in a tag", (t) => {
  const headers = { "x-datadog-trace-id": "11803532876627986230", "x-datadog-parent-id": "67667974448284343" };
  t.deepEqual(
    of({ ...headers, "x-datadog-sampling-priority": "1", "x-datadog-tags": "_dd.p.dm=-1,_dd.p.tid=640cfd8d00000000" }),
    {
      app_trace_id: "11803532876627986230",
      app_parent_id: "67667974448284343",
      app_trace_id_h: signed("640cfd8d00000000"),
      app_trace_id_l: BigInt.asIntN(64, 11803532876627986230n),
      app_parent_id_l: 67667974448284343n,
      app_span_sampled: 1,
      app_trace_encode: "dec",
    },
  );
  const negative = of({ ...headers, "x-datadog-trace-id": String(BigInt.asIntN(64, 11803532876627986230n)) });
  t.is(negative.app_trace_id, "11803532876627986230");
  t.is(negative.app_span_sampled, undefined, "nobody has decided");
});

test("Datadog: priorities 1 and 2 keep, 0 and -1 drop", (t) => {
  const sampled = (priority: string) =>
    of({ "x-datadog-trace-id": "1", "x-datadog-parent-id": "2", "x-datadog-sampling-priority": priority })
      .app_span_sampled;
  t.deepEqual(["2", "1", "0", "-1", "x"].map(sampled), [1, 1, -1, -1, undefined]);
});

test("B3: one header or several, ids of 64 or 128 bits, states, and a bare refusal", (t) => {
  t.deepEqual(of({ b3: `${TRACE}-${SPAN}-1-05e3ac9a4f6e3b90` }), { ...ids(), app_span_sampled: 1 } as never);
  t.is(of({ b3: `${TRACE}-${SPAN}-d` }).app_span_sampled, 1);
  t.is(of({ b3: `${TRACE}-${SPAN}-0` }).app_span_sampled, -1);
  t.is(of({ b3: `${TRACE}-${SPAN}` }).app_span_sampled, undefined);
  t.is(of({ b3: `${SPAN}-${SPAN}` }).app_trace_id, SPAN.padStart(32, "0"));
  t.deepEqual(of({ b3: "0" }), { app_span_sampled: -1 });
  const multi = { "x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-parentspanid": "05e3ac9a4f6e3b90" };
  t.deepEqual(of({ ...multi, "x-b3-sampled": "0" }), { ...ids(), app_span_sampled: -1 } as never);
  t.is(of({ ...multi, "x-b3-flags": "1" }).app_span_sampled, 1, "debug");
  t.is(of({ ...multi, "x-b3-sampled": "true" }).app_span_sampled, 1);
  t.deepEqual(of({ "x-b3-sampled": "1" }), { app_span_sampled: 1 });
});

test("Jaeger: leading zeros may be missing, colons encoded, debug is kept", (t) => {
  t.deepEqual(of({ "uber-trace-id": `${TRACE}:${SPAN}:0:1` }), { ...ids(), app_span_sampled: 1 } as never);
  t.deepEqual(of({ "uber-trace-id": "abc%3Adef%3A0%3A0" }), {
    ...ids("abc".padStart(32, "0"), "def".padStart(16, "0")),
    app_span_sampled: -1,
  } as never);
  t.is(of({ "uber-trace-id": `${TRACE}:${SPAN}:0:2` }).app_span_sampled, 1);
  t.deepEqual(of({ "uber-trace-id": `${TRACE}:0:0:1` }), {});
});

test("SkyWalking: ids are made of its own, the same for everybody who reads the same", (t) => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const sw8 = (sample: string, trace: string, segment: string, span: number) =>
    [sample, base64(trace), base64(segment), String(span), ...["svc", "inst", "/ep", "host:80"].map(base64)].join("-");
  const first = of({ sw8: sw8("1", "a.b.c", "seg", 3) });
  t.regex(first.app_trace_id!, /^[0-9a-f]{32}$/);
  t.regex(first.app_parent_id!, /^[0-9a-f]{16}$/);
  t.is(first.app_span_sampled, 1);
  t.deepEqual(of({ sw8: sw8("1", "a.b.c", "seg", 3) }), first);
  t.is(of({ sw8: sw8("0", "a.b.c", "other", 3) }).app_trace_id, first.app_trace_id);
  t.not(of({ sw8: sw8("0", "a.b.c", "other", 3) }).app_parent_id, first.app_parent_id);
  t.is(of({ sw8: sw8("0", "a.b.c", "seg", 3) }).app_span_sampled, -1);
  t.is(of({ sw8: sw8("1", TRACE, "seg", 0) }).app_trace_id, TRACE);
  t.deepEqual(of({ sw8: "1-a-b" }), {});
});

test("X-Ray: root and parent, and a load balancer's root alone", (t) => {
  const root = "Root=1-0af76519-16cd43dd8448eb211c80319c";
  t.deepEqual(of({ "x-amzn-trace-id": `${root};Parent=${SPAN};Sampled=1` }), {
    ...ids(),
    app_span_sampled: 1,
  } as never);
  t.is(of({ "x-amzn-trace-id": `Self=1-1-2; ${root}; Parent=${SPAN}; Sampled=0` }).app_span_sampled, -1);
  t.is(of({ "x-amzn-trace-id": `${root};Parent=${SPAN};Sampled=?` }).app_span_sampled, undefined);
  t.deepEqual(of({ "x-amzn-trace-id": root }), {});
});

test("the standard comes first, and what has no ids yields to what has", (t) => {
  const traceparent = `00-${TRACE}-${SPAN}-01`;
  t.is(of({ "x-datadog-trace-id": "5", "x-datadog-parent-id": "6", traceparent }).app_trace_id, TRACE);
  t.is(of({ b3: "0", "uber-trace-id": `${TRACE}:${SPAN}:0:1` }).app_span_sampled, 1);
  t.deepEqual(of({}), {});
});

test("conv_to_ddtrace: every id is the lower 64 bits in decimal", (t) => {
  t.deepEqual(of({ traceparent: `00-${TRACE}-${SPAN}-01` }, true), {
    app_trace_id: BigInt(`0x${TRACE.slice(16)}`).toString(),
    app_parent_id: BigInt(`0x${SPAN}`).toString(),
    app_trace_id_h: 0n,
    app_trace_id_l: signed(TRACE.slice(16)),
    app_parent_id_l: signed(SPAN),
    app_span_sampled: 1,
    app_trace_encode: "dec",
  });
  t.deepEqual(of({ traceparent: `00-${TRACE.slice(0, 16)}${"0".repeat(16)}-${SPAN}-01` }, true), {
    app_span_sampled: 1,
  });
});

test("headers are found in real requests in whatever case they are written", (t) => {
  const told: Exchange[] = [];
  const sink = { told: (exchange: Exchange) => void told.push(exchange), lost: () => {} };
  const conversation = new Conversation({
    readSeq: 0,
    writtenSeq: 0,
    budget: new Budget(1 << 20),
    opening: { side: Side.REQUESTS, decoder: new Http1Connection(sink, { wanted: traceHeaders }) },
  });
  const request = Buffer.from(`GET / HTTP/1.1\r\nTraceParent: 00-${TRACE}-${SPAN}-01\r\nCookie: a=b\r\n\r\n`);
  const response = Buffer.from("HTTP/1.1 204 No\r\n\r\n");
  conversation.add(false, 0, request.length, { bytes: request, timeNs: 1 }, 0, request.length);
  conversation.add(true, 0, response.length, { bytes: response, timeNs: 2 }, 0, response.length);
  t.is(appTrace(told[0]!.headers).app_trace_id, TRACE);
  t.deepEqual([...told[0]!.headers.keys()], ["traceparent"]);
});

const names =
  "traceparent x-datadog-trace-id x-datadog-parent-id x-datadog-tags b3 x-b3-traceid uber-trace-id sw8 x-amzn-trace-id";

test("whatever headers say, nothing throws, and ids are well-formed or absent", (t) => {
  const value = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.stringMatching(/^[0-9a-f:%;=.-]{0,90}$/),
    fc.stringMatching(/^-?\d{0,22}$/),
    fc.constantFrom(`00-${TRACE}-${SPAN}-01`, `${TRACE}-${SPAN}-1`, `${TRACE}:${SPAN}:0:1`),
  );
  holds(
    t,
    fc.property(fc.dictionary(fc.constantFrom(...names.split(" ")), value), fc.boolean(), (headers, toDatadog) => {
      const { app_trace_id: trace, app_parent_id: parent, app_trace_encode: encode } = of(headers, toDatadog);
      assert.equal(trace === undefined, parent === undefined);
      if (trace === undefined || parent === undefined) return;
      assert.match(trace, encode === "hex" ? /^[0-9a-f]{32}$/ : /^[1-9]\d{0,19}$/);
      assert.match(parent, encode === "hex" ? /^[0-9a-f]{16}$/ : /^[1-9]\d{0,19}$/);
    }),
    { numRuns: 2000 },
  );
});
