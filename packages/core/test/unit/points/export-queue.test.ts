// SPDX-License-Identifier: MIT

import test from "ava";
import { ExportError, type Exporter, type Point } from "../../../src/index.js";
import { ExportQueue, type ExportQueueOptions } from "../../../src/points/export-queue.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { sample } from "../support/plugins.js";

const points = (...values: number[]): Point[] => values.map((value) => sample.point(0n, { kind: "x" }, { value }));
const valuesOf = (batch: readonly Point[]) => batch.map(({ fields }) => fields["value"]);

function setUp(exporter: Partial<Exporter>, options: Partial<ExportQueueOptions> = {}) {
  const clock = new FakeClock();
  const losses: [string, number][] = [];
  const errors: unknown[] = [];
  const queue = new ExportQueue(
    { name: "test", export: () => {}, ...exporter },
    {
      clock,
      capacity: 100,
      batch: 3,
      attemptMs: 1000,
      retry: { initialMs: 100, maxMs: 800, random: () => 1 },
      onLoss: (reason, count) => losses.push([reason, count]),
      onError: (error) => errors.push(error),
      ...options,
    },
  );
  return { queue, clock, losses, errors };
}

test("points go out in order, in batches, one export at a time", async (t) => {
  const batches: unknown[] = [];
  let running = 0;
  const { queue } = setUp({
    export: async (batch) => {
      t.is(++running, 1);
      batches.push(valuesOf(batch));
      await settle();
      running--;
    },
  });
  queue.push(points(1, 2));
  queue.push(points(3, 4, 5));
  await queue.close(1000);
  t.deepEqual(batches, [
    [1, 2, 3],
    [4, 5],
  ]);
  t.like(queue.status(), { exported: 5, queued: 0, failures: 0 });
});

test("only the measurements an exporter accepts reach it", async (t) => {
  const seen: Point[] = [];
  const { queue } = setUp({ accepts: ["other"], export: (batch) => void seen.push(...batch) });
  queue.push([...points(1), { ...points(2)[0]!, measurement: "other" }]);
  await settle();
  t.deepEqual(valuesOf(seen), [2]);
});

test("a retryable failure is retried with growing waits, in order, until it succeeds", async (t) => {
  const at: number[] = [];
  const exported: unknown[] = [];
  const { queue, clock, losses } = setUp({
    export: (batch) => {
      at.push(clock.now());
      if (at.length < 6) throw new ExportError("busy", { retryable: true });
      exported.push(...valuesOf(batch));
    },
  });
  queue.push(points(1, 2));
  await clock.advance(5000);
  t.deepEqual(at, [0, 100, 300, 700, 1500, 2300]);
  t.deepEqual(exported, [1, 2]);
  t.deepEqual(losses, []);
  t.like(queue.status(), { failures: 5, lastError: "busy", exported: 2 });
});

test("the far side's own wish for a later retry is honoured", async (t) => {
  let attempts = 0;
  const { queue, clock } = setUp({
    export: () => {
      if (attempts++ === 0) throw new ExportError("slow down", { retryable: true, retryAfterMs: 5000 });
    },
  });
  queue.push(points(1));
  await clock.advance(4999);
  t.is(attempts, 1);
  await clock.advance(1);
  t.is(attempts, 2);
});

test("a batch that is refused for good is dropped, counted and told, and the next one goes out", async (t) => {
  const exported: unknown[] = [];
  const { queue, losses, errors } = setUp({
    export: (batch) => {
      if (valuesOf(batch).includes(1)) throw new Error("no such thing");
      exported.push(...valuesOf(batch));
    },
  });
  queue.push(points(1, 2, 3, 4));
  await settle();
  t.deepEqual(exported, [4]);
  t.deepEqual(losses, [["export_rejected", 3]]);
  t.is(errors.length, 1);
});

test("while the far side is away the newest points are kept and the oldest are counted as lost", async (t) => {
  let away = true;
  const exported: unknown[] = [];
  const { queue, clock, losses } = setUp(
    {
      export: (batch) => {
        if (away) throw new ExportError("away", { retryable: true });
        exported.push(...valuesOf(batch));
      },
    },
    { capacity: 4 },
  );
  queue.push(points(0));
  await settle();
  queue.push(points(1, 2, 3, 4, 5, 6));
  t.is(queue.status().queued, 5);
  away = false;
  await clock.advance(1000);
  t.deepEqual(exported, [0, 3, 4, 5, 6]);
  t.deepEqual(losses, [["queue_full", 2]]);
});

test("an attempt without answer is given up and retried", async (t) => {
  let aborted = 0;
  let attempts = 0;
  const { queue, clock } = setUp({
    export: (_, { signal }) => {
      if (attempts++ > 0) return;
      signal.addEventListener("abort", () => aborted++);
      return new Promise<void>(() => {});
    },
  });
  queue.push(points(1));
  await clock.advance(1200);
  t.is(aborted, 1);
  t.like(queue.status(), { exported: 1, failures: 1, lastError: "no answer within 1000 ms" });
});

test("close keeps its deadline, counts what is left and still closes the exporter", async (t) => {
  let closed = false;
  const { queue, clock, losses } = setUp({
    export: () => Promise.reject(new ExportError("away", { retryable: true })),
    close: () => void (closed = true),
  });
  queue.push(points(1, 2, 3, 4, 5));
  let done = false;
  const closing = queue.close(2000).then(() => (done = true));
  await clock.advance(1999);
  t.false(done);
  await clock.advance(1);
  await closing;
  t.true(closed);
  t.is(
    losses.reduce((sum, [, count]) => sum + count, 0),
    5,
  );
  t.deepEqual(queue.status().dropped, { export_deadline: 5 });
  queue.push(points(6));
  t.deepEqual(queue.status().dropped, { export_deadline: 6 });
});

test("close flushes the exporter before it closes it", async (t) => {
  const calls: string[] = [];
  const { queue } = setUp({
    export: () => void calls.push("export"),
    flush: () => void calls.push("flush"),
    close: () => void calls.push("close"),
  });
  queue.push(points(1));
  await queue.close(1000);
  t.deepEqual(calls, ["export", "flush", "close"]);
});
