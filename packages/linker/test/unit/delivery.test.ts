// SPDX-License-Identifier: MIT

import test from "ava";
import { ExportError, type Exporter, type Point } from "@skep/core";
import { Delivery } from "../../src/delivery.js";
import { FakeClock } from "../support/fake-clock.js";
import { call, Collected } from "../support/spans.js";

const points = [1, 2, 3].map((n) => call(n, n, n + 1).out);

function deliveryTo(...exporters: Exporter[]) {
  const clock = new FakeClock();
  const failures: string[] = [];
  const delivery = new Delivery({
    exporters,
    clock,
    attemptMs: 50,
    retry: { initialMs: 1_000, maxMs: 4_000 },
    onFailure: (exporter, message, lost) => failures.push(`${exporter.name} ${message} ${lost}`),
  });
  return { delivery, clock, failures };
}

test("who can take a batch takes it once, however often another is asked again", async (t) => {
  const well = new Collected();
  let refusals = 3;
  const ill = new Collected();
  const sick: Exporter = {
    name: "sick",
    export(given) {
      if (refusals-- > 0) throw new ExportError("later", { retryable: true, retryAfterMs: 10_000 });
      ill.export(given);
    },
  };
  const { delivery, clock, failures } = deliveryTo(well, sick);
  let done = false;
  void delivery.deliver(points, new AbortController().signal).then(() => (done = true));
  await clock.advance(29_000);
  t.false(done);
  await clock.advance(1_000);
  t.true(done);
  t.is(well.points.length, 3);
  t.is(ill.points.length, 3);
  t.deepEqual(failures, Array(3).fill("sick later 0"));
});

test("a final refusal gives up the points and is counted", async (t) => {
  const { delivery, failures } = deliveryTo({
    name: "strict",
    export() {
      throw new ExportError("never", { retryable: false });
    },
  });
  await delivery.deliver(points, new AbortController().signal);
  t.deepEqual(failures, ["strict never 3"]);
});

test("an exporter gets what it accepts, in batches of its size", async (t) => {
  const collected = new Collected();
  const picky: Exporter = {
    name: "picky",
    batchPoints: 1,
    accepts: (point: Point) => point.fields["resource"] !== "out2",
    export: (given) => collected.export(given),
  };
  await deliveryTo(picky).delivery.deliver(points, new AbortController().signal);
  t.deepEqual(
    collected.points.map(({ fields }) => fields["resource"]),
    ["out1", "out3"],
  );
  t.deepEqual(collected.batches, [1, 1]);
});

test("an attempt that hangs is given up and made again, whether or not the exporter listens", async (t) => {
  let attempts = 0;
  const { delivery, clock, failures } = deliveryTo({
    name: "deaf",
    export: () => (++attempts > 1 ? undefined : new Promise(() => {})),
  });
  const delivered = delivery.deliver(points, new AbortController().signal);
  await clock.advance(50);
  await clock.advance(1_000);
  await delivered;
  t.is(attempts, 2);
  t.deepEqual(failures, ["deaf no answer within 50 ms 0"]);
});
