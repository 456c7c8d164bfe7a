// SPDX-License-Identifier: MIT
/**
 * What reading a ring buffer from JavaScript costs: 128-byte records that already lie there, five fields of each touched,
 * against libbpf's own consumer in C (bound: 1.3 times) and against a koffi callback for each record, which does nothing
 * (bound: 10 times faster). Rounds of the first two alternate, those of the callback follow; the figures are medians. Then a million records a second for
 * ten seconds, drained on a 5 ms timer (bound: none lost).
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/ring-read.ts [rounds] [seconds]
 * Root; needs clang-14, cc and libbpf-dev.
 */
import type { Cursor, Ring } from "@skep/core";
import { median } from "./support/children.js";
import { koffiConsumer } from "./support/koffi-callback.js";
import { Compiled, judge, LineCommand, make, type Reading, totalsOf } from "./support/records.js";

const rounds = Number(process.argv[2] ?? 40);
const seconds = Number(process.argv[3] ?? 10);
/** Just under what 16 MiB hold at 136 bytes each, header included; consumer.c makes as many. */
const COUNT = 120_000;
const WARM_UP = 10;
const RATE = 1_000_000;

/** A 32-bit sum as in consumer.c; in a typed array, as a closure's variable costs more to write than a record to read. */
const sum = new Uint32Array(1);

/** One function for all rounds, as a plugin has one for its ring. */
const touch = ({ u32, at }: Cursor): void => {
  const word = at >> 2;
  sum[0] = (sum[0]! + u32[word]! + u32[word + 2]! + u32[word + 3]! + u32[word + 4]! + u32[word + 5]!) | 0;
};

function readInPlace(ring: Ring): Reading {
  sum[0] = 0;
  const began = process.hrtime.bigint();
  const count = ring.drain(touch, Infinity);
  return { ns: Number(process.hrtime.bigint() - began), count, sum: sum[0] };
}

async function compareReaders(compiled: Compiled): Promise<boolean> {
  const c = new LineCommand(compiled.consumer, [compiled.object, "ring"]);
  const session = await compiled.open("make_records", process.pid);
  const ring = session.ring("records");
  const perRecord = { c: [] as number[], js: [] as number[], koffi: [] as number[] };
  for (let round = -WARM_UP; round < rounds; round++) {
    const [ns = 0, count = 0] = await c.ask();
    make(COUNT);
    const js = readInPlace(ring);
    if (count !== COUNT || js.count !== COUNT) throw new Error(`read ${count} and ${js.count} of ${COUNT}`);
    if (round < 0) continue;
    perRecord.c.push(ns / COUNT);
    perRecord.js.push(js.ns / COUNT);
  }
  await session.close();
  // Its program answers to the same process, so it comes in when the other session is gone.
  const consume = koffiConsumer(compiled.object);
  for (let round = 0; round < Math.max(5, rounds / 4); round++) {
    make(COUNT);
    const began = process.hrtime.bigint();
    if (consume() !== COUNT) throw new Error("the koffi callback missed records");
    perRecord.koffi.push(Number(process.hrtime.bigint() - began) / COUNT);
  }
  c.end();

  const [inC, inJs, byCallback] = [median(perRecord.c), median(perRecord.js), median(perRecord.koffi)];
  console.log("reader                            ns per record of 128 bytes");
  console.log(`C, ring_buffer__consume           ${inC.toFixed(1)}`);
  console.log(`JavaScript in place               ${inJs.toFixed(1)}`);
  console.log(`koffi callback, doing nothing     ${byCallback.toFixed(1)}`);
  const ratio = median(perRecord.js.map((ns, round) => ns / perRecord.c[round]!));
  const gain = byCallback / inJs;
  return [
    judge("JavaScript / C", ratio, "<= 1.3", ratio <= 1.3),
    judge("koffi callback / JavaScript", gain, ">= 10", gain >= 10),
  ].every(Boolean);
}

/** The producer is another process, as in life; user space looks every 5 ms and sleeps meanwhile. */
async function sustain(compiled: Compiled): Promise<boolean> {
  const producer = new LineCommand(compiled.consumer, ["produce", String(RATE), String(seconds)]);
  const session = await compiled.open("make_records", producer.child.pid!, 64 << 20);
  const ring = session.ring("records");
  let read = 0;
  let disordered = 0;
  let next = 0;
  const handler = (record: Cursor): void => {
    const sequence = record.u32[(record.at >> 2) + 3]!;
    if (sequence !== next) disordered++;
    next = sequence + 1;
    touch(record);
  };
  const timer = setInterval(() => (read += ring.drain(handler, performance.now() + 5)), 5);
  const cpu = process.cpuUsage();
  const began = performance.now();
  await producer.ask();
  const took = performance.now() - began;
  clearInterval(timer);
  read += ring.drain(handler, Infinity);
  const { user, system } = process.cpuUsage(cpu);
  const { made, lost } = totalsOf(session);
  await session.close();
  producer.end();

  const rate = made / took / 1000;
  console.log(
    `${(made / 1e6).toFixed(2)} M records in ${(took / 1000).toFixed(1)} s (${rate.toFixed(2)} M/s), ` +
      `${lost} lost, ${((user + system) / 10 / took).toFixed(1)} % of a CPU in Node`,
  );
  return [
    judge("records a second, millions", rate, ">= 0.95", rate >= 0.95),
    judge(
      "records lost or out of order",
      lost + disordered + (made - read),
      "0",
      lost + disordered === 0 && made === read,
    ),
  ].every(Boolean);
}

const compiled = new Compiled();
try {
  const fast = await compareReaders(compiled);
  const lossless = await sustain(compiled);
  process.exitCode = fast && lossless ? 0 : 1;
} finally {
  compiled.remove();
}
