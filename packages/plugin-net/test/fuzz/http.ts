// SPDX-License-Identifier: MIT
/**
 * Ten million hostile chunks (or as many as the first argument says) for the decoders of httpflow, HTTP/1 and HTTP/2: none may
 * throw, take long or make memory grow. The second argument is the seed, so that a finding can be repeated.
 * node --expose-gc --import ./scripts/ts-node.mjs --conditions=skep-source packages/plugin-net/test/fuzz/http.ts
 */
import { HttpInputs } from "./http-inputs.js";
import { cpuMs, random } from "./random.js";

const count = Number(process.argv[2] ?? 10_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
/** Longest time for one input, ms. */
const LONGEST_MS = 20;
const MOST_GROWTH = 64 * 1024 * 1024;

const inputs = await HttpInputs.create(random(seed));
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const began = performance.now();
let slowestMs = 0;
let mostKept = 0;
for (let input = 0; input < count; input++) {
  try {
    const decode = inputs.make();
    const from = performance.now();
    decode();
    const ms = performance.now() - from;
    slowestMs = Math.max(slowestMs, ms > LONGEST_MS ? cpuMs(decode) : ms);
    if (slowestMs > LONGEST_MS) throw new Error(`it takes ${slowestMs} ms`);
    mostKept = Math.max(mostKept, inputs.kept);
  } catch (error) {
    console.error(`seed ${seed}, input ${input}`);
    throw error;
  }
}
const seconds = (performance.now() - began) / 1000;
globalThis.gc?.();
const grown = process.memoryUsage().heapUsed - heapBefore;
if (grown > MOST_GROWTH) throw new Error(`seed ${seed}: ${grown} bytes more on the heap`);
console.log(
  `${count} inputs (seed ${seed}) in ${seconds.toFixed(1)} s on ${inputs.connections} connections: ${inputs.told} exchanges, ` +
    `${inputs.lost} lost; slowest ${slowestMs.toFixed(1)} ms, kept ${(mostKept / 1024).toFixed(0)} KiB at most, ` +
    `heap ${(grown / 1024).toFixed(0)} KiB`,
);
