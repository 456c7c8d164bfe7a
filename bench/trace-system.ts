// SPDX-License-Identifier: MIT
/**
 * A real system of servers in several languages (packages/plugin-trace/test/system) whose call trees are known by construction: how
 * many traces are those trees, by server and by edge, for so many requests at each concurrency. Bounds: no wrong parent at all;
 * everything right at concurrency 1, 99 % of what goroutines and threads serve above.
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/trace-system.ts [requests] [concurrency,...]
 * Needs root, and the servers that test/system/README.md names.
 */
import { brokenPromises, observe, observedSystem } from "../packages/plugin-trace/test/system/observe.js";
import { tableOf } from "../packages/plugin-trace/test/system/table.js";

const count = Number(process.argv[2] ?? 10_000);
const concurrencies = (process.argv[3] ?? "1,8,64").split(",").map(Number);
const teardowns: (() => void | Promise<void>)[] = [];
const t = { teardown: (fn: () => void | Promise<void>) => void teardowns.push(fn) };
let isRight = true;
try {
  const { agent, system } = await observedSystem(t);
  let first = 1;
  for (const concurrency of concurrencies) {
    const seen = await observe(agent, system, { first, count, concurrency });
    first += count;
    console.log(`\n${tableOf(concurrency, seen)}`);
    const broken = brokenPromises(concurrency, seen);
    for (const what of broken.slice(0, 10)) console.log(`not as promised: ${what}`);
    isRight &&= broken.length === 0;
  }
  console.log(`\n${JSON.stringify(agent.status().counters)}`);
} finally {
  for (const teardown of teardowns.reverse()) await teardown();
}
process.exitCode = isRight ? 0 : 1;
