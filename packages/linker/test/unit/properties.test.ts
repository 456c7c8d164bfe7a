// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { Linker } from "../../src/index.js";
import { callTrees } from "../support/call-trees.js";
import { Collected } from "../support/spans.js";
import { FakeClock } from "../support/fake-clock.js";

/** Where and when each span arrives: lost, once or more often, in any order. */
const fates = fc.array(fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 3 }), { minLength: 130, maxLength: 130 });

test("every tree is the true one, but for what was lost, whatever the order and however often a span comes", async (t) => {
  await fc.assert(
    fc.asyncProperty(callTrees, fates, fc.integer({ min: 1, max: 40 }), async ({ spans }, places, batch) => {
      const exporter = new Collected();
      const linker = new Linker({ exporters: [exporter], clock: new FakeClock() });
      const arrivals = spans
        .flatMap((span, index) => places[index]!.map((place) => ({ place, span })))
        .sort((a, b) => a.place - b.place)
        .map(({ span }) => span.point);
      for (let at = 0; at < arrivals.length; at += batch) linker.receive(arrivals.slice(at, at + batch));
      await linker.close();

      const arrived = new Set(arrivals.map(({ fields }) => fields["resource"]));
      const expected = spans
        .filter(({ name }) => arrived.has(name))
        .map(({ name, cause }) => [name, arrived.has(cause) ? cause : ""] as const);
      t.deepEqual(exporter.parents(), new Map(expected.sort()));
      t.is(exporter.points.length, arrived.size);
      const ends = [...arrived].map((name) => String(name).replace(/^in|^out/, ""));
      t.is(linker.status().oneEnded, 2 * new Set(ends).size - ends.length);
      sameTraceWithin(exporter);
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("a span that comes late is linked as it truly was or not at all", async (t) => {
  await fc.assert(
    fc.asyncProperty(callTrees, fates, async ({ spans }, places) => {
      const exporter = new Collected();
      const clock = new FakeClock();
      const linker = new Linker({ exporters: [exporter], clock, windowMs: 1_000 });
      const arrivals = spans
        .flatMap((span, index) => places[index]!.map((place) => ({ at: place / 100, span })))
        .sort((a, b) => a.at - b.at);
      for (const { at, span } of arrivals) {
        if (at > clock.now()) await clock.advance(at - clock.now());
        linker.receive([span.point]);
      }
      await linker.close();

      const truth = new Map(spans.map(({ name, cause }) => [name, cause]));
      for (const { fields } of exporter.points) {
        if (fields["ebpf_parent_id"] === "0") continue;
        // A copy that comes when the window has forgotten the span is a span again, with the same id.
        const parents = exporter.points.filter((other) => other.fields["span_id"] === fields["ebpf_parent_id"]);
        t.is(parents[0]?.fields["resource"], truth.get(fields["resource"] as string));
        t.true(parents.some((parent) => parent.fields["ebpf_trace_id"] === fields["ebpf_trace_id"]));
      }
    }),
    { numRuns: 40 },
  );
});

test("whatever spans say, nothing is lost, no parent is made up and every tree has a root", async (t) => {
  // Few values for everything: duplicates, circles and contradictions of every kind.
  const hostile = fc.record({
    incoming: fc.boolean(),
    thread: fc.nat({ max: 4 }),
    exchange: fc.nat({ max: 4 }),
    type: fc.constantFrom("entry", "exit", "", "unknown"),
    ktime: fc.nat({ max: 1 }),
  });
  const { endOf, exchangeOf } = await import("../support/spans.js");
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { maxLength: 60 }), fc.boolean(), async (given, throughNat) => {
      const exporter = new Collected();
      const linker = new Linker({ exporters: [exporter], clock: new FakeClock(), throughNat });
      const points = given.map(({ incoming, thread, exchange, type, ktime }) =>
        endOf(exchangeOf(exchange), incoming ? "incoming" : "outgoing", {
          name: [incoming, thread, exchange, type, ktime].join(),
          thread,
          fields: { ebpf_span_type: type, ktime },
        }),
      );
      const { accepted } = linker.receive(points);
      await linker.close();
      const parents = exporter.parents();
      t.is(parents.size, accepted);
      for (const name of parents.keys()) {
        let at = name;
        for (let steps = 0; at !== ""; steps++, at = parents.get(at)!) t.true(steps <= parents.size);
      }
      const { linked, roots, exported } = linker.status();
      t.is(linked + roots, accepted);
      t.is(exported, accepted);
    }),
    { numRuns: 300 },
  );
});

/** Parents and children are of one trace, and a trace has one root. */
function sameTraceWithin(exporter: Collected): void {
  const byId = new Map(exporter.points.map((point) => [point.fields["span_id"], point.fields]));
  const roots = new Map<unknown, number>();
  for (const fields of byId.values()) {
    const trace = fields["ebpf_trace_id"];
    if (fields["ebpf_parent_id"] === "0") roots.set(trace, (roots.get(trace) ?? 0) + 1);
    else if (byId.get(fields["ebpf_parent_id"]!)!["ebpf_trace_id"] !== trace)
      throw new Error("a parent of another trace");
  }
  if ([...roots.values()].some((count) => count !== 1)) throw new Error("a trace with two roots");
}
