// SPDX-License-Identifier: MIT
// A real system of servers in several languages on hosts of their own, and call trees that are known by construction.
import { liveTests } from "@skep/testkit";
import test from "ava";
import { whyNoHosts } from "../system/hosts.js";
import { goServices, whyNot, whyWithout } from "../system/installed.js";
import { brokenPromises, observe, observedSystem } from "../system/observe.js";
import { tableOf } from "../system/table.js";
import { databases } from "../system/topology.js";

/** Requests at each concurrency. bench/trace-system.ts has more. */
const count = Number(process.env["SKEP_SYSTEM_REQUESTS"] ?? 200);

const needed = ["root", "cgroup2", "netns", "cgroup_skb", "map:ringbuf"] as const;
const live = await liveTests(test, needed);
const missing = whyNoHosts() ?? whyNot() ?? (await goServices().then(() => undefined, compilerSays));

for (const database of databases) {
  const why = whyWithout(database);
  if (why !== undefined) test.skip(`calls to ${database} have their true parents (skipped: ${why})`, () => {});
}

const title = "every trace of a system of servers is the tree that was called, or lacks links, and no parent is wrong";
if (missing !== undefined) test.skip(`${title} (skipped: ${missing})`, () => {});
else
  live([...needed], title, async (t) => {
    t.timeout(600_000);
    const { agent, system } = await observedSystem(t);
    const broken: string[] = [];
    let first = 1;
    for (const concurrency of [1, 8, 64]) {
      const seen = await observe(agent, system, { first, count, concurrency }, { otlp: true });
      first += count;
      t.log(tableOf(concurrency, seen));
      broken.push(...brokenPromises(concurrency, seen));
    }
    const { observed, emitted, aggregated, dropped } = agent.status().counters;
    t.log(JSON.stringify(agent.status().counters));
    t.deepEqual(broken, []);
    t.true(observed >= emitted + aggregated + Object.values(dropped).reduce((sum, one) => sum + one, 0));
  });

function compilerSays(error: Error): string {
  return `the services cannot be built: ${error.message.trim().split("\n").at(-1)!}`;
}
