// SPDX-License-Identifier: MIT
// Node's event loops: exact with one request at a time in each, and never wrong with more.
import { fileURLToPath } from "node:url";
import { patience, type Place, spawnIn, type Teardown, until } from "@skep/testkit";
import { live } from "./live.js";
import { nothingUnaccounted, observer } from "./observe.js";
import { askAll, exactTrees, treesOf } from "./trees.js";

async function workers(t: Teardown, place: Place, count: number, upstreams: readonly number[] = []) {
  const script = fileURLToPath(new URL("peers/workers.mjs", import.meta.url));
  const child = spawnIn(t, place, process.execPath, [script, ...[count, ...upstreams].map(String)]);
  return JSON.parse((await child.lines.next()).value as string) as number[];
}

const requests = 60;
const all = { what: "all spans", deadlineMs: 30_000 * patience };

for (const loops of [1, 4]) {
  live(`${loops} event loop(s) of one process with one request each at a time: every call is tied`, async (t) => {
    const { cgroup, agent, spans, status } = await observer(t);
    const backends = await workers(t, { cgroup }, loops);
    const proxies = await workers(t, { cgroup }, loops, backends);
    await askAll(proxies, requests);
    await until(() => spans.length >= 3 * requests, all);
    await agent.stop();
    await exactTrees(t, spans, requests);
    nothingUnaccounted(t, status());
  });
}

live(
  "an event loop with eight requests at a time: a call is tied to the one it was made for, or to none",
  async (t) => {
    const { cgroup, agent, spans, status } = await observer(t);
    const backends = await workers(t, { cgroup }, 1);
    const [proxy] = await workers(t, { cgroup }, 1, backends);
    await askAll(Array<number>(8).fill(proxy!), requests);
    await until(() => spans.length >= 3 * requests, all);
    await agent.stop();
    t.is(spans.length, 3 * requests);
    const { whole, wrong } = await treesOf(spans);
    t.deepEqual(wrong, []);
    t.log(`${whole} of ${requests} calls were tied`);
    nothingUnaccounted(t, status());
  },
);
