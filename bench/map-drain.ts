// SPDX-License-Identifier: MIT
/**
 * What draining a hash map from JavaScript costs: 100,000 entries of 8 -> 128 bytes, preallocated, taken out in batches,
 * key and five fields of each touched, against the same in C (bound: 1.3 times). Rounds alternate; the figures are medians.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/map-drain.ts [rounds]
 * Root; needs clang-14, cc and libbpf-dev.
 */
import type { BpfMap, Cursor } from "@skep/core";
import { median } from "./support/children.js";
import { Compiled, judge, LineCommand, make, type Reading } from "./support/records.js";

const rounds = Number(process.argv[2] ?? 20);
/** consumer.c makes as many. */
const COUNT = 100_000;
const WARM_UP = 4;

/** A 32-bit sum as in consumer.c. */
const sum = new Uint32Array(1);

const touch = (key: Cursor, { u32, at }: Cursor): void => {
  const word = at >> 2;
  const fields = u32[word]! + u32[word + 2]! + u32[word + 3]! + u32[word + 4]! + u32[word + 5]!;
  sum[0] = (sum[0]! + key.u32[key.at >> 2]! + fields) | 0;
};

async function drain(map: BpfMap): Promise<Reading> {
  sum[0] = 0;
  const began = process.hrtime.bigint();
  const count = await map.scan(touch, { remove: true });
  return { ns: Number(process.hrtime.bigint() - began), count, sum: sum[0] };
}

const compiled = new Compiled();
try {
  const c = new LineCommand(compiled.consumer, [compiled.object, "map"]);
  const session = await compiled.open("make_entries", process.pid);
  const map = session.map("entries");
  const perEntry = { c: [] as number[], js: [] as number[] };
  for (let round = -WARM_UP; round < rounds; round++) {
    const [ns = 0, count = 0] = await c.ask();
    make(COUNT);
    const js = await drain(map);
    if (count !== COUNT || js.count !== COUNT) throw new Error(`drained ${count} and ${js.count} of ${COUNT}`);
    if (round < 0) continue;
    perEntry.c.push(ns / COUNT);
    perEntry.js.push(js.ns / COUNT);
  }
  await session.close();
  c.end();
  console.log("drain                             ns per entry of 8 -> 128 bytes");
  console.log(`C, lookup_and_delete_batch        ${median(perEntry.c).toFixed(0)}`);
  console.log(`JavaScript, BpfMap.scan           ${median(perEntry.js).toFixed(0)}`);
  const ratio = median(perEntry.js.map((ns, round) => ns / perEntry.c[round]!));
  process.exitCode = judge("JavaScript / C", ratio, "<= 1.3", ratio <= 1.3) ? 0 : 1;
} finally {
  compiled.remove();
}
