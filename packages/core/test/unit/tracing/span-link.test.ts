// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { isLinkedSpan, spanLinkOf, threadTraceId, type Point } from "../../../src/index.js";

const linked = (fields: Record<string, string>): Point => ({
  measurement: "dketrace",
  category: "tracing",
  time: 1n,
  tags: {},
  fields: { span_id: "00f067aa0ba902b7", ...fields },
});
const trace = "4bf92f3577b34da6a3ce929d0e0e4736";

test("a span without ids has no link", (t) => {
  t.false(isLinkedSpan({ ...linked({}), fields: {} }));
  t.is(spanLinkOf({ ...linked({}), fields: {} }), undefined);
});

test("a root has no parent", (t) => {
  t.deepEqual(spanLinkOf(linked({ trace_id: trace, parent_id: "0", ebpf_parent_id: "0" })), {
    traceId: trace,
    spanId: "00f067aa0ba902b7",
  });
});

test("a parent of sixteen decimal digits is read as the encoding of its trace says", (t) => {
  const parent = "1234567890123456";
  const hex = spanLinkOf(linked({ trace_id: trace, parent_id: parent, ebpf_parent_id: "0" }));
  const decimal = spanLinkOf(linked({ trace_id: "77", parent_id: parent, ebpf_parent_id: "0" }));
  const own = spanLinkOf(linked({ trace_id: "77", parent_id: parent, ebpf_parent_id: parent }));
  t.is(hex?.parentSpanId, parent);
  t.is(decimal?.parentSpanId, BigInt(parent).toString(16).padStart(16, "0"));
  t.is(own?.parentSpanId, parent);
  t.is(decimal?.traceId, (77).toString(16).padStart(32, "0"));
});

test("what is no id is no link", (t) => {
  for (const trace_id of ["0".repeat(32), "x".repeat(32), "0", "", "-4", "9".repeat(21)]) {
    t.is(spanLinkOf(linked({ trace_id, parent_id: "0", ebpf_parent_id: "0" })), undefined, trace_id);
  }
});

test("a decimal trace id keeps its 64 bits", (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (id) => {
      const link = spanLinkOf(linked({ trace_id: String(id), parent_id: "0", ebpf_parent_id: "0" }));
      return BigInt(`0x${link!.traceId}`) === id;
    }),
  );
  t.pass();
});

test("the id of a thread's work is the same for the same work, positive, and another for any other", (t) => {
  const work = { bootId: "b", pid: 1, thread: 2, ktime: 3n };
  const id = threadTraceId(work);
  t.is(id, threadTraceId({ ...work }));
  t.true(id > 0n && id < 2n ** 63n);
  const others = [{ bootId: "c" }, { pid: 2 }, { thread: 3 }, { ktime: 4n }, { sequence: 1 }];
  t.is(new Set([id, ...others.map((other) => threadTraceId({ ...work, ...other }))]).size, 6);
});
