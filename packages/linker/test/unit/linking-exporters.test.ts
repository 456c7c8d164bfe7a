// SPDX-License-Identifier: MIT

import type { Exporter, Point } from "@skep/core";
import test from "ava";
import { linkingExporters } from "../../src/index.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { call, Collected } from "../support/spans.js";

const ends = call(1, 10, 20);
const flow: Point = { measurement: "netflow", category: "network", time: 1n, tags: {}, fields: { bytes_read: 1 } };
const context = { signal: AbortSignal.timeout(10_000) };

/** What an agent does with points: each to who accepts it. */
const hand = (exporters: readonly Exporter[], points: readonly Point[]) =>
  Promise.all(
    exporters.map((exporter) => {
      const wanted = points.filter((point) => (exporter.accepts as (point: Point) => boolean)(point));
      return wanted.length > 0 ? exporter.export(wanted, context) : undefined;
    }),
  );

test("exporters of an agent get spans linked, and everything else as before", async (t) => {
  const all = new Collected();
  const flows = new Collected();
  const clock = new FakeClock();
  const exporters = linkingExporters(
    [all, { name: "flows", accepts: ["netflow"], export: (points) => flows.export(points) }],
    { clock },
  );
  await hand(exporters, [ends.out, flow, ends.in]);
  t.deepEqual(all.points, [flow]);
  await clock.advance(41_000);
  t.is(all.points.length, 3);
  all.points.shift();
  t.is(all.parents().get("in1"), "out1");
  t.deepEqual(flows.points, [flow]);
  await Promise.all(exporters.map((exporter) => exporter.close?.()));
});

test("what waits when the agent stops is linked before its exporters close", async (t) => {
  const steps: string[] = [];
  const collected = new Collected();
  const exporters = linkingExporters(
    [
      {
        name: "once",
        export: async (points) => {
          await settle();
          collected.export(points);
          steps.push("export");
        },
        flush: () => void steps.push("flush"),
        close: () => void steps.push("close"),
      },
    ],
    { clock: new FakeClock() },
  );
  await hand(exporters, [ends.in, ends.out]);
  await Promise.all(
    exporters.map(async (exporter) => {
      await exporter.flush?.(context);
      await exporter.close?.();
    }),
  );
  t.deepEqual(steps, ["export", "flush", "close"]);
  t.is(collected.parents().get("in1"), "out1");
});

test("an exporter is never called twice at once", async (t) => {
  let running = 0;
  const slow: Exporter = {
    name: "slow",
    async export() {
      t.is(++running, 1);
      await settle();
      running--;
    },
  };
  const clock = new FakeClock();
  const exporters = linkingExporters([slow], { clock, windowMs: 100 });
  await hand(exporters, [ends.in]);
  const flows = Array.from({ length: 10 }, () => hand(exporters, [flow]));
  await clock.advance(500);
  await Promise.all(flows);
  await Promise.all(exporters.map((exporter) => exporter.close?.()));
});
