// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import test from "ava";
import { traceRoute, writeRoutes } from "../../src/routes.js";

test("spans go to a linker, and what it has linked to where traces are written", (t) => {
  const span: Point = { measurement: "dketrace", category: "tracing", time: 1n, tags: {}, fields: { req_seq: 1 } };
  const linked: Point = { ...span, fields: { ...span.fields, trace_id: "a", span_id: "b" } };
  const paths = (point: Point) =>
    [...writeRoutes, traceRoute].filter((route) => route.accepts(point)).map(({ path }) => path);
  t.deepEqual(paths(span), ["/v1/bpftracing"]);
  t.deepEqual(paths(linked), ["/v1/write/tracing?input=ebpf-tracing"]);
});
