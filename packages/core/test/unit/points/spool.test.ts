// SPDX-License-Identifier: MIT

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import type { Point } from "../../../src/index.js";
import { SpoolDirectory } from "../../../src/points/spool-directory.js";
import { Spool } from "../../../src/points/spool.js";
import { sample } from "../support/plugins.js";

const batch = (...values: number[]): Point[] => values.map((value) => sample.point(7n, { kind: "x" }, { value }));

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-spool-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Takes everything out, as values. */
async function drained(spool: Spool): Promise<unknown[]> {
  const values: unknown[] = [];
  for (;;) {
    const { points } = await spool.first();
    if (points === undefined) return values;
    values.push(...points.map(({ fields }) => fields["value"]));
    await spool.removeFirst();
  }
}

test("batches come back in order, from another run too, and the put-back one first", async (t) => {
  const folder = folderOf(t);
  const first = await Spool.open(folder, 1e6);
  await first.append(batch(2));
  await first.append(batch(3, 4));
  await first.prepend(batch(0, 1));
  t.is(first.points, 5);
  const second = await Spool.open(folder, 1e6);
  t.is(second.points, 5);
  await second.append(batch(5));
  t.deepEqual(await drained(second), [0, 1, 2, 3, 4, 5]);
  t.deepEqual(readdirSync(folder), []);
  t.is(second.bytes, 0);
});

test("any point survives as it was: integers beyond 2^53, NaN, any text", async (t) => {
  const spool = await Spool.open(folderOf(t), 1e9);
  const value = fc.oneof(fc.bigInt(), fc.double(), fc.string({ unit: "binary" }), fc.boolean());
  const points = fc.array(
    fc.record({
      measurement: fc.string(),
      category: fc.constant("network" as const),
      time: fc.bigInt(),
      tags: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
      fields: fc.dictionary(fc.string(), value, { noNullPrototype: true }),
    }),
    { maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(points, async (given) => {
      await spool.append(given);
      const { points: read } = await spool.first();
      await spool.removeFirst();
      t.deepEqual(read, given);
    }),
    { numRuns: 30 },
  );
});

test("beyond its size the oldest give way, but never the batch that is on its way", async (t) => {
  const folder = folderOf(t);
  const one = await Spool.open(folder, 1e6);
  await one.append(batch(0));
  const size = one.bytes;
  await drained(one);
  const spool = await Spool.open(folder, size * 3);
  for (const value of [1, 2, 3]) t.is(await spool.append(batch(value)), 0);
  t.is(await spool.append(batch(4)), 1);
  await spool.first();
  t.is(await spool.append(batch(5)), 1);
  t.true(spool.bytes <= size * 3);
  t.deepEqual(await drained(spool), [2, 4, 5]);
});

test("what a crash cut off and what was damaged is passed over, and the damaged points are counted", async (t) => {
  const folder = folderOf(t);
  const spool = await Spool.open(folder, 1e6);
  for (const points of [batch(1, 2), batch(3, 4, 5), batch(6)]) await spool.append(points);
  const [first, second] = readdirSync(folder).sort();
  const whole = readFileSync(join(folder, second!));
  writeFileSync(join(folder, first!), "");
  whole[whole.length - 3]! ^= 1;
  writeFileSync(join(folder, second!), whole);
  writeFileSync(join(folder, "500000000009-3.points.part"), whole.subarray(0, 10));
  const again = await Spool.open(folder, 1e6);
  const { points, damaged } = await again.first();
  t.is(damaged, 5);
  t.is(points?.[0]?.fields["value"], 6);
  t.is(readdirSync(folder).length, 1);
});

test("a spool that was torn anywhere gives back whole batches in order and nothing else", async (t) => {
  const folder = folderOf(t);
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.nat(100), async (which, keep) => {
      const spool = await Spool.open(folder, 1e6);
      for (const value of [0, 1, 2]) await spool.append(batch(value));
      const torn = join(folder, readdirSync(folder).sort()[which]!);
      const bytes = readFileSync(torn);
      const cut = bytes.subarray(0, Math.min(keep, bytes.length - 1));
      writeFileSync(torn, cut);
      t.deepEqual(
        await drained(await Spool.open(folder, 1e6)),
        [0, 1, 2].filter((value) => value !== which),
      );
    }),
    { numRuns: 30 },
  );
});

test("a directory is one agent's at a time, and a dead agent's lock holds nobody back", async (t) => {
  const directory = join(folderOf(t), "a", "spool");
  const mine = await SpoolDirectory.open({ directory });
  const error = await t.throwsAsync(SpoolDirectory.open({ directory }), { code: "SKEP_ERR_SPOOL" });
  t.regex(error?.message ?? "", /another agent/);
  await mine.close();
  writeFileSync(join(directory, "lock"), `${process.pid} 12345`); // this number, at another time
  const next = await SpoolDirectory.open({ directory });
  const folders = await Promise.all(["a b/../c", "a b/../c", ".."].map((name) => next.spoolOf(name)));
  t.deepEqual(
    folders.map((spool) => spool.directory.slice(directory.length)),
    ["/a-b-..-c", "/a-b-..-c-2", "/-"],
  );
  await next.close();
});

test("a directory that cannot be made is told with the mend", async (t) => {
  const file = join(folderOf(t), "file");
  writeFileSync(file, "");
  await t.throwsAsync(SpoolDirectory.open({ directory: join(file, "spool") }), { code: "SKEP_ERR_SPOOL" });
});
