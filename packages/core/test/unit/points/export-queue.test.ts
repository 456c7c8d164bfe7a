// SPDX-License-Identifier: MIT

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ExportError, type Exporter, type Point } from "../../../src/index.js";
import { ExportQueue, type ExportQueueOptions } from "../../../src/points/export-queue.js";
import { Spool } from "../../../src/points/spool.js";
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

test("that the far side is away is told once, and that it is back", async (t) => {
  const told: string[] = [];
  let attempts = 0;
  const { queue, clock } = setUp(
    {
      export: () => {
        if (attempts++ < 3) throw new ExportError("away", { retryable: true });
      },
    },
    { onAway: (error) => told.push((error as Error).message), onBack: () => told.push("back") },
  );
  queue.push(points(1));
  await clock.advance(5000);
  t.deepEqual(told, ["away", "back"]);
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

test("a server that wants to be left alone for a year is asked again in an hour", async (t) => {
  let attempts = 0;
  const { queue, clock } = setUp({
    export: () => {
      if (attempts++ === 0) throw new ExportError("later", { retryable: true, retryAfterMs: 365 * 86_400_000 });
    },
  });
  queue.push(points(1));
  await clock.advance(3_600_000);
  t.is(attempts, 2);
});

/** Lets the fake time pass, and the real disk work, until something is so. */
async function until(clock: FakeClock, so: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!so()) {
    if (performance.now() > deadline) throw new Error("it did not come to be");
    await clock.advance(50);
  }
}

function spoolFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-queue-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A far side that is away until it is back. */
function farSide() {
  const side = { away: true, delivered: [] as unknown[] };
  const exporter: Partial<Exporter> = {
    export: (batch) => {
      if (side.away) throw new ExportError("away", { retryable: true });
      side.delivered.push(...valuesOf(batch));
    },
  };
  return { side, exporter };
}

test("while the far side is away points go to disk, far more than memory holds, and come out in order", async (t) => {
  const { side, exporter } = farSide();
  const { queue, clock, losses } = setUp(exporter, { capacity: 4 });
  queue.useSpool(await Spool.open(spoolFolder(t), 1e9));
  const values = Array.from({ length: 40 }, (_, index) => index);
  for (let i = 0; i < values.length; i += 2) {
    queue.push(points(...values.slice(i, i + 2)));
    await until(clock, () => queue.status().spooled === i + 2);
  }
  t.like(queue.status(), { queued: 0, spooled: 40 });
  side.away = false;
  await until(clock, () => side.delivered.length >= 40);
  t.deepEqual(side.delivered, values);
  await until(clock, () => queue.status().spooled === 0);
  queue.push(points(40));
  await until(clock, () => side.delivered.length === 41);
  await queue.close(1000);
  t.deepEqual(losses, []);
  t.like(queue.status(), { exported: 41, queued: 0, spooled: 0 });
});

test("what was not delivered when the agent ended is delivered by the next one, first, and ending takes no time", async (t) => {
  const folder = spoolFolder(t);
  const { exporter } = farSide();
  const first = setUp(exporter);
  first.queue.useSpool(await Spool.open(folder, 1e9));
  first.queue.push(points(1, 2, 3, 4));
  await until(first.clock, () => first.queue.status().failures > 0);
  first.queue.push(points(5));
  const before = first.clock.now();
  const closing = first.queue.close(60_000);
  await first.clock.advance(0);
  await closing;
  t.is(first.clock.now(), before);
  t.deepEqual(first.losses, []);
  t.deepEqual(first.errors, []);

  const { side, exporter: back } = farSide();
  side.away = false;
  const second = setUp(back);
  second.queue.useSpool(await Spool.open(folder, 1e9));
  second.queue.push(points(6));
  await until(second.clock, () => side.delivered.length === 6);
  await second.queue.close(1000);
  t.deepEqual(side.delivered, [1, 2, 3, 4, 5, 6]);
});

test("a server that hangs at the end costs the deadline, and its batch stays on disk", async (t) => {
  const folder = spoolFolder(t);
  const { queue, clock, losses } = setUp({ export: () => new Promise<void>(() => {}) }, { attemptMs: 60_000 });
  queue.useSpool(await Spool.open(folder, 1e9));
  queue.push(points(1, 2, 3, 4));
  await settle();
  let closed = false;
  const closing = queue.close(1000).then(() => (closed = true));
  await clock.advance(700);
  t.false(closed);
  await clock.advance(50);
  await closing;
  t.deepEqual(losses, []);
  t.is((await Spool.open(folder, 1e9)).points, 4);
});

test("a spool that is full and a disk that refuses are counted, and the agent goes on", async (t) => {
  const small = farSide();
  const full = setUp(small.exporter);
  full.queue.useSpool(await Spool.open(spoolFolder(t), 1));
  full.queue.push(points(1, 2, 3));
  await until(full.clock, () => full.losses.length > 0);
  t.deepEqual(full.queue.status().dropped, { spool_full: 3 });

  const { side, exporter } = farSide();
  const broken = setUp(exporter, { capacity: 5 });
  broken.queue.useSpool(await Spool.open("/dev/null/spool", 1e9));
  broken.queue.push(points(1));
  await until(broken.clock, () => broken.errors.length > 0);
  side.away = false;
  await until(broken.clock, () => side.delivered.length === 1);
  broken.queue.push(points(2));
  await until(broken.clock, () => side.delivered.length === 2);
});
