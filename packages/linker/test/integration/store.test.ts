// SPDX-License-Identifier: MIT

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ExportError } from "@skep/core";
import { Linker, sqliteStore } from "../../src/index.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { call, Collected } from "../support/spans.js";

function databaseFor(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), "skep-store-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, "spans.db");
}

test("spans that wait when a linker is closed wait in the next one", async (t) => {
  const path = databaseFor(t);
  const first = new Linker({ store: sqliteStore({ path }), exporters: [new Collected()], clock: new FakeClock() });
  const { out, in: incoming } = call(1, 10, 20);
  first.receive([out]);
  await first.close();

  const exporter = new Collected();
  const clock = new FakeClock();
  const second = new Linker({ store: sqliteStore({ path }), exporters: [exporter], clock });
  t.like(second.receive([out, incoming]), { accepted: 1, duplicate: 1 });
  await clock.advance(41_000);
  t.is(exporter.parents().get("in1"), "out1");
  await second.close();
});

test("what was linked and not taken is exported by the next linker, with the same ids", async (t) => {
  const path = databaseFor(t);
  const clock = new FakeClock();
  let attempts = 0;
  const down = {
    name: "down",
    export() {
      attempts++;
      throw new ExportError("not now", { retryable: true });
    },
  };
  const first = new Linker({ store: sqliteStore({ path }), exporters: [down], clock, windowMs: 1_000 });
  const spans = call(1, 10, 20);
  first.receive([spans.out, spans.in]);
  await clock.advance(5_000);
  t.true(attempts > 1, "it was tried again");
  const closing = first.close({ deadlineMs: 100 });
  await clock.advance(200);
  await closing;

  const exporter = new Collected();
  const second = new Linker({ store: sqliteStore({ path }), exporters: [exporter], clock: new FakeClock() });
  await settle();
  t.is(exporter.parents().get("in1"), "out1");
  t.is(second.status().pendingBatches, 0);
  await second.close();
});

test("what comes after a restart joins the trace that was exported before it", async (t) => {
  const path = databaseFor(t);
  const exporter = new Collected();
  const first = new Linker({ store: sqliteStore({ path }), exporters: [exporter], clock: new FakeClock() });
  const spans = call(1, 10, 20);
  first.receive([spans.out]);
  await first.flush();
  await first.close();
  const second = new Linker({ store: sqliteStore({ path }), exporters: [exporter], clock: new FakeClock() });
  second.receive([spans.in]);
  await second.flush();
  await second.close();
  t.is(exporter.parents().get("in1"), "out1");
  t.is(exporter.traces().size, 1);
});

test("the file stays as large as the window", async (t) => {
  const path = databaseFor(t);
  const clock = new FakeClock();
  const exporter = new Collected();
  const linker = new Linker({ store: sqliteStore({ path }), exporters: [exporter], clock, windowMs: 1_000 });
  const sizes: number[] = [];
  for (let round = 0; round < 30; round++) {
    linker.receive(Array.from({ length: 400 }, (_, n) => call(round * 400 + n, 2 * n + 1, 2 * n + 2).out));
    await clock.advance(1_000);
    sizes.push(statSync(path).size + statSync(`${path}-wal`).size);
  }
  t.true(sizes.at(-1)! <= sizes[15]! * 1.1, sizes.join());
  await clock.advance(10_000);
  t.is(linker.status().held, 0);
  t.is(exporter.points.length, 12_000);
  await linker.close();
});

test("a file that is in use, or no database, is an error that says so", async (t) => {
  const path = databaseFor(t);
  const linker = new Linker({ store: sqliteStore({ path }), exporters: [], clock: new FakeClock() });
  linker.receive([call(1, 10, 20).out]);
  t.like(
    t.throws(() => sqliteStore({ path })),
    { code: "SKEP_ERR_STORE" },
  );
  await linker.close();
  writeFileSync(path, "this is no database, but long enough to be looked at as if it were one".repeat(20));
  t.like(
    t.throws(() => sqliteStore({ path })),
    { code: "SKEP_ERR_STORE" },
  );
});

test("when the store cannot append, nothing of the request is taken", (t) => {
  const store = sqliteStore({ path: databaseFor(t) });
  const broken = {
    ...store,
    append: () => {
      throw new Error("disk full");
    },
  };
  const linker = new Linker({ store: broken, exporters: [], clock: new FakeClock() });
  t.like(
    t.throws(() => linker.receive([call(1, 10, 20).out])),
    { code: "SKEP_ERR_STORE" },
  );
  t.is(linker.status().held, 0);
});
