// SPDX-License-Identifier: MIT

import { PassThrough, Writable } from "node:stream";
import test from "ava";
import fc from "fast-check";
import { ndjsonExporter, ndjsonLine, type Point } from "../../../src/index.js";

const never = new AbortController().signal;

const anyPoint: fc.Arbitrary<Point> = fc.record({
  measurement: fc.string(),
  category: fc.constant("network" as const),
  time: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  tags: fc.dictionary(fc.string(), fc.string()),
  fields: fc.dictionary(
    fc.string(),
    fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.boolean()),
  ),
});

test("any point is one line that JSON reads back as the same", (t) => {
  fc.assert(
    fc.property(anyPoint, (point) => {
      const line = ndjsonLine(point);
      t.false(line.includes("\n"));
      const { measurement, time, tags, fields } = point;
      t.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify({ measurement, time: String(time), tags, fields })));
    }),
  );
});

test("integers of any size are JSON numbers", (t) => {
  const point: Point = { measurement: "m", category: "network", time: 1n, tags: {}, fields: { n: 2n ** 63n - 1n } };
  t.is(ndjsonLine(point), '{"measurement":"m","time":"1","tags":{},"fields":{"n":9223372036854775807}}');
});

test("the exporter writes a line per point and leaves the stream open", async (t) => {
  const stream = new PassThrough();
  const exporter = ndjsonExporter(stream);
  const point: Point = { measurement: "m", category: "network", time: 1n, tags: {}, fields: { n: 1 } };
  await exporter.export([point, point], { signal: never });
  t.is(String(stream.read()), `${ndjsonLine(point)}\n`.repeat(2));
  t.false(stream.writableEnded);
});

test("a stream that is broken rejects the export for good and ends no process", async (t) => {
  const stream = new Writable({ write: (_, __, done) => done(new Error("EPIPE")) });
  const exporting = ndjsonExporter(stream).export(
    [{ measurement: "m", category: "network", time: 1n, tags: {}, fields: {} }],
    { signal: never },
  ) as Promise<void>;
  const error = (await t.throwsAsync(exporting, { name: "ExportError" })) as Error & { options: object };
  t.like(error.options, { retryable: false });
});
