// SPDX-License-Identifier: MIT

import test from "ava";
import { Linker } from "../../src/index.js";
import { FakeClock } from "../support/fake-clock.js";
import { call, Collected, endOf, exchangeOf, pidOf } from "../support/spans.js";

function setUp(options: Partial<ConstructorParameters<typeof Linker>[0]> = {}) {
  const exporter = new Collected();
  const clock = new FakeClock();
  const linker = new Linker({ exporters: [exporter], clock, windowMs: 1_000, ...options });
  return { exporter, clock, linker };
}

test("a call is the child of the request its thread works for, and the request it becomes is its child", async (t) => {
  const { linker, exporter } = setUp();
  const first = call(1, 10, 20);
  const second = call(2, 20, 30);
  linker.receive([second.in, first.in, second.out, first.out]);
  await linker.flush();
  t.deepEqual(
    exporter.parents(),
    new Map([
      ["in1", "out1"],
      ["in2", "out2"],
      ["out1", ""],
      ["out2", "in1"],
    ]),
  );
  t.is(exporter.traces().size, 1);
  t.regex(String(exporter.fieldOf("in2", "trace_id")), /^[0-9a-f]{32}$/);
  t.regex(String(exporter.fieldOf("in2", "span_id")), /^[0-9a-f]{16}$/);
  t.is(exporter.fieldOf("out1", "parent_id"), "0");
  t.like(linker.status(), { accepted: 4, linked: 3, roots: 1, traces: 1, exported: 4 });
});

test("equal sequence numbers on other addresses are another exchange", async (t) => {
  const { linker, exporter } = setUp();
  const { requestSeq, responseSeq } = exchangeOf(1);
  const here = { client: "10.0.0.1:1000", server: "10.0.0.2:80", requestSeq, responseSeq };
  const there = { ...here, client: "10.0.0.9:1000" };
  linker.receive([
    endOf(here, "outgoing", { name: "out", thread: 1 }),
    endOf(there, "incoming", { name: "in", thread: 2 }),
  ]);
  await linker.flush();
  t.deepEqual([...exporter.parents().values()], ["", ""]);
  t.is(exporter.traces().size, 2);
});

test("addresses are compared as addresses: mapped, long and short forms are one", async (t) => {
  const pairs = [
    ["192.168.1.1", "::ffff:192.168.1.1"],
    ["192.168.1.1", "::FFFF:c0a8:101"],
    ["2001:db8::1", "2001:0db8:0:0:0:0:0:1"],
  ] as const;
  for (const [a, b] of pairs) {
    const { linker, exporter } = setUp();
    const { requestSeq, responseSeq } = exchangeOf(1);
    const seen = (ip: string) => ({ client: `${ip}:1000`, server: `${ip}:80`, requestSeq, responseSeq });
    linker.receive([
      endOf(seen(a), "outgoing", { name: "out", thread: 1 }),
      endOf(seen(b), "incoming", { name: "in", thread: 2 }),
    ]);
    await linker.flush();
    t.is(exporter.parents().get("in"), "out", `${a} and ${b}`);
  }
});

test("a connection through destination NAT is one, where the agent says where it went", async (t) => {
  const { linker, exporter } = setUp();
  const exchange = exchangeOf(1);
  const nat = { dst_nat_ip: "172.17.0.2", dst_nat_port: "8080" };
  linker.receive([
    endOf(exchange, "outgoing", { name: "out", thread: 1, fields: nat }),
    endOf({ ...exchange, server: "172.17.0.2:8080" }, "incoming", { name: "in", thread: 2 }),
  ]);
  await linker.flush();
  t.is(exporter.parents().get("in"), "out");
});

test("throughNat links ends that agree on the numbers and one address, unless two could be meant", async (t) => {
  const exchange = exchangeOf(1);
  const out = endOf(exchange, "outgoing", { name: "out", thread: 1 });
  const behind = endOf({ ...exchange, client: "192.0.2.1:999" }, "incoming", { name: "in", thread: 2 });
  const other = endOf({ ...exchange, client: "192.0.2.7:999" }, "incoming", { name: "other", thread: 3 });
  const stranger = endOf({ ...exchange, client: "192.0.2.1:9", server: "192.0.2.2:9" }, "incoming", {
    name: "in",
    thread: 2,
  });
  for (const [spans, throughNat, parent] of [
    [[out, behind], true, "out"],
    [[out, behind], false, ""],
    [[out, behind, other], true, ""],
    [[out, stranger], true, ""],
  ] as const) {
    const { linker, exporter } = setUp({ throughNat });
    linker.receive(spans);
    await linker.flush();
    t.is(exporter.parents().get("in"), parent);
  }
});

test("work of another process or host with the same id is other work", async (t) => {
  for (const other of [{ pid: 2 }, { host: "elsewhere" }]) {
    const { linker, exporter } = setUp();
    linker.receive([
      endOf(exchangeOf(1), "incoming", { name: "in", thread: 7 }),
      endOf(exchangeOf(2), "outgoing", { name: "out", thread: 7, ...other }),
    ]);
    await linker.flush();
    t.is(exporter.parents().get("out"), "");
  }
});

test("two requests that a call could be made for are none, and it is counted", async (t) => {
  const { linker, exporter } = setUp();
  linker.receive([
    endOf(exchangeOf(1), "incoming", { name: "a", thread: 7 }),
    endOf(exchangeOf(2), "incoming", { name: "b", thread: 7 }),
    endOf(exchangeOf(3), "outgoing", { name: "out", thread: 7 }),
  ]);
  await linker.flush();
  t.deepEqual([...exporter.parents().values()], ["", "", ""]);
  t.is(linker.status().ambiguous, 1);
});

test("two ends that claim the same exchange are linked to nothing, and it is counted", async (t) => {
  const { linker, exporter } = setUp();
  linker.receive([
    endOf(exchangeOf(1), "outgoing", { name: "a", thread: 1 }),
    endOf(exchangeOf(1), "outgoing", { name: "b", thread: 2 }),
    endOf(exchangeOf(1), "incoming", { name: "in", thread: 3 }),
  ]);
  await linker.flush();
  t.is(exporter.parents().get("in"), "");
  t.is(linker.status().ambiguous, 1);
});

test("a circle is cut everywhere, what hangs on it stays, and it is counted", async (t) => {
  const { linker, exporter } = setUp();
  const around = 50;
  // in(n) works for out(n + 1), which becomes in(n + 1): the last becomes the first.
  const ring = Array.from({ length: around }, (_, n) => [
    endOf(exchangeOf(n), "incoming", { name: `in${n}`, thread: n + 1 }),
    endOf(exchangeOf((n + 1) % around), "outgoing", { name: `out${n}`, thread: n + 1 }),
  ]).flat();
  const leaf = endOf(exchangeOf(1000), "outgoing", { name: "leaf", thread: 3 });
  linker.receive([...ring, leaf]);
  await linker.flush();
  const parents = exporter.parents();
  t.is(parents.get("leaf"), "in2");
  t.true([...parents].every(([name, parent]) => name === "leaf" || parent === ""));
  t.is(linker.status().cycle, 2 * around);
});

test("a chain of 10,000 spans, last first, is one trace", async (t) => {
  const { linker, exporter } = setUp();
  const chain = Array.from({ length: 5_000 }, (_, n) => call(n, n + 1, n + 2)).flatMap(({ out, in: incoming }) => [
    out,
    incoming,
  ]);
  for (let at = chain.length; at > 0; at -= 500) linker.receive(chain.slice(at - 500, at).reverse());
  await linker.flush();
  t.is(exporter.traces().size, 1);
  t.is(exporter.points.length, 10_000);
  t.is(linker.status().linked, 9_999);
  t.is(Math.max(...exporter.batches), 512);
});

test("a request that makes 20,000 calls is one trace", async (t) => {
  const { linker, exporter } = setUp();
  const calls = Array.from({ length: 20_000 }, (_, n) =>
    endOf(exchangeOf(n + 1), "outgoing", { name: `out${n}`, thread: 5 }),
  );
  linker.receive([...calls, endOf(exchangeOf(0), "incoming", { name: "in", thread: 5 })]);
  await linker.flush();
  t.is(exporter.traces().size, 1);
  t.is(linker.status().linked, 20_000);
});

test("a copy of a span is the same span, in one batch, in another, and after it was exported", async (t) => {
  const { linker, exporter, clock } = setUp();
  const { out } = call(1, 10, 20);
  t.deepEqual(linker.receive([out, out]), { accepted: 1, duplicate: 1, invalid: 0 });
  t.deepEqual(linker.receive([structuredClone(out)]), { accepted: 0, duplicate: 1, invalid: 0 });
  await linker.flush();
  t.deepEqual(linker.receive([out]), { accepted: 0, duplicate: 1, invalid: 0 });
  await clock.advance(4_000);
  t.is(exporter.points.length, 1);
});

test("what lacks a key or has one of another type is counted as invalid and nothing else", async (t) => {
  const { linker, exporter } = setUp();
  const { out } = call(1, 10, 20);
  const broken = [
    { direction: "unknown" },
    { ebpf_span_type: 1 },
    { req_seq: "1" },
    { resp_seq: 0.5 },
    { thread_trace_id: "1" },
  ].map((fields) => ({ ...out, fields: { ...out.fields, ...fields } }));
  const { thread_trace_id: _, ...without } = out.fields;
  t.deepEqual(linker.receive([...broken, { ...out, fields: without }]), { accepted: 0, duplicate: 0, invalid: 6 });
  await linker.flush();
  t.is(exporter.points.length, 0);
});

test("a span of nearly two windows is linked, one that comes later is its own trace, counted", async (t) => {
  const { linker, exporter, clock } = setUp();
  const short = call(1, 10, 20);
  const long = endOf(exchangeOf(2), "incoming", { name: "long", thread: 10, pid: pidOf(10) });
  linker.receive([short.out, short.in]);
  await clock.advance(1_900);
  t.is(exporter.points.length, 0);
  linker.receive([long]);
  await clock.advance(200);
  t.is(exporter.parents().get("out1"), "long");

  const other = call(3, 11, 21);
  linker.receive([other.out, other.in]);
  await clock.advance(2_200);
  linker.receive([endOf(exchangeOf(4), "incoming", { name: "late", thread: 11, pid: pidOf(11) })]);
  await clock.advance(2_200);
  t.is(exporter.parents().get("out3"), "");
  t.is(exporter.parents().get("late"), "");
  t.is(linker.status().parentTooLate, 1);
});

test("what comes after its trace was exported joins it, within a window", async (t) => {
  const { linker, exporter, clock } = setUp();
  const first = call(1, 10, 20);
  linker.receive([first.out]);
  await clock.advance(2_100);
  linker.receive([first.in, endOf(exchangeOf(2), "outgoing", { name: "call", thread: 20, pid: pidOf(20) })]);
  await clock.advance(2_100);
  t.is(exporter.parents().get("in1"), "out1");
  t.is(exporter.parents().get("call"), "in1");
  t.is(exporter.traces().size, 1);
  t.is(linker.status().joinedLate, 1);
});

test("ids are the same in another linker, and whatever the order", async (t) => {
  const spans = Array.from({ length: 20 }, (_, n) => call(n, n + 1, n + 2)).flatMap(({ out, in: incoming }) => [
    out,
    incoming,
  ]);
  const ids = [];
  for (const order of [spans, spans.toReversed()]) {
    const { linker, exporter } = setUp();
    linker.receive(order);
    await linker.flush();
    ids.push(
      new Map(
        exporter.points.map(({ fields }) => [fields["resource"], [fields["span_id"], fields["trace_id"]].join()]),
      ),
    );
  }
  t.deepEqual(ids[0], ids[1]);
  t.is(new Set([...ids[0]!.values()]).size, spans.length);
});

test("the window is forgotten, and its room used again", async (t) => {
  const { linker, exporter, clock } = setUp({ maxSpans: 1_500 });
  for (let round = 0; round < 20; round++) {
    const spans = Array.from({ length: 700 }, (_, n) => call(round * 700 + n, 2 * n + 1, 2 * n + 2));
    linker.receive(spans.map(({ out }) => out));
    linker.receive(spans.map(({ in: incoming }) => incoming));
    await clock.advance(2_100);
  }
  t.is(exporter.points.length, 28_000);
  await clock.advance(3_500);
  t.is(linker.status().held, 0);
  t.is(linker.status().heldBytes, 0);
});

test("without room nothing of a request is taken, and it can be sent again", async (t) => {
  const { linker, exporter, clock } = setUp({ maxSpans: 3 });
  const [first, second] = [call(1, 10, 20), call(2, 20, 30)];
  linker.receive([first.out, first.in]);
  const error = t.throws(() => linker.receive([second.out, second.in]));
  t.like(error, { code: "SKEP_ERR_LINKER_FULL" });
  t.like(linker.status(), { held: 2, refused: 2 });
  await clock.advance(2_100);
  linker.receive([second.out, second.in]); // what only lingers gives way
  await linker.flush();
  t.is(exporter.points.length, 4);
});
