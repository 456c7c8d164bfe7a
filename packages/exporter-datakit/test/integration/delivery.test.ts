// SPDX-License-Identifier: MIT
// Core's delivery through this exporter to a real server that behaves badly.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createAgent,
  defineMeasurement,
  definePlugin,
  field,
  type Agent,
  type AgentOptions,
  type Backend,
  type ExporterStatus,
} from "@skep/core";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { z } from "zod";
import { datakitExporters } from "../../src/index.js";
import { FickleServer, type Mood } from "../support/fickle-server.js";

const numbered = defineMeasurement({
  name: "numbered",
  category: "network",
  description: "Points that can be told apart.",
  tags: {},
  fields: { number: field("int", "1", "which one") },
});

/** No answer that comes is later, however busy this machine is: what is given up comes twice. */
const patientMs = 30_000;
/** Where a server hangs somebody has to give up. */
const hangingMs = 1_500;

/** No plugin here has BPF objects. */
const backend = { name: "none" } as Backend;

/** An agent that emits `perFlush` points with each flush, numbered from `first`. */
function agentTo(server: FickleServer, perFlush: number, first = 0, more: Partial<AgentOptions> = {}): Agent {
  let next = first;
  const counter = definePlugin({
    name: "counter",
    version: "1.0.0",
    description: "counts",
    config: z.strictObject({}),
    measurements: [numbered],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    setup: (context) => ({
      flush: (time) => {
        if (stopped.has(agent)) return;
        context.count("observed", perFlush);
        for (let i = 0; i < perFlush; i++) context.emit(numbered.point(time, {}, { number: next++ }));
      },
    }),
  });
  const agent: Agent = createAgent({
    backend,
    plugins: [counter],
    exporters: datakitExporters({ server: `127.0.0.1:${server.port}`, batchPoints: 10 }),
    ...more,
    limits: { exportMs: patientMs, retryMs: 4, maxRetryMs: 30, stopMs: 3000, ...more.limits },
  });
  return agent;
}

/** Agents that emit no more, so that it is known what there is to deliver. */
const stopped = new WeakSet<Agent>();

const deliveryOf = (agent: Agent): ExporterStatus =>
  agent.status().exporters.find(({ name }) => name === "datakit other network")!;

async function until(what: string, so: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!so()) {
    if (performance.now() > deadline) throw new Error(`it did not come to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const isDelivered = (agent: Agent) => () => {
  const { queued, spooled } = deliveryOf(agent);
  return queued + spooled === 0;
};

async function serverOf(t: ExecutionContext): Promise<FickleServer> {
  const server = new FickleServer();
  await server.appear();
  t.teardown(() => server.disappear());
  return server;
}

const numbersOf = (server: FickleServer): number[] => server.taken.map(({ fields }) => Number(fields["number"]));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const troubles: readonly Mood[] = ["slow", "busy", "tooMany", "broken", "garbage", "reset", "hang"];

for (const trouble of troubles) {
  test(`a server that is ${trouble} half of the time gets every point once, in order`, async (t) => {
    const server = await serverOf(t);
    let requests = 0;
    server.mood = () => (requests++ % 2 === 0 ? trouble : "ok");
    const agent = agentTo(server, 20, 0, { limits: { exportMs: trouble === "hang" ? hangingMs : patientMs } });
    await agent.start();
    for (let i = 0; i < 3; i++) await agent.flush();
    stopped.add(agent);
    await until("all is delivered", isDelivered(agent));
    await agent.stop();
    t.deepEqual(numbersOf(server), upTo(60));
    t.deepEqual(deliveryOf(agent).dropped, {});
    t.true(server.seen.includes(trouble));
  });
}

test("through any mixture of troubles every point arrives, in order, twice at most where the server forgot to say so", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom<Mood>(...troubles, "forget"), { maxLength: 12 }), async (moods) => {
      const exportMs = moods.includes("hang") ? hangingMs : patientMs;
      const server = await serverOf(t);
      const rest = [...moods];
      server.mood = () => rest.shift() ?? "ok";
      const agent = agentTo(server, 25, 0, { limits: { exportMs } });
      await agent.start();
      await agent.flush();
      await agent.flush();
      stopped.add(agent);
      await until("all is delivered", isDelivered(agent));
      await agent.stop();
      const numbers = numbersOf(server);
      t.deepEqual([...new Set(numbers)], upTo(50));
      const forgotten = server.seen.filter((mood) => mood === "forget").length;
      t.true(numbers.length <= 50 + forgotten * 10, `${numbers.length} with ${forgotten} forgotten`);
      t.like(deliveryOf(agent), { exported: 50, queued: 0 });
    }),
    { numRuns: 12 },
  );
});

test("what a server refuses is dropped and counted, the rest arrives: emitted = taken + dropped", async (t) => {
  const server = await serverOf(t);
  let requests = 0;
  server.mood = () => (requests++ % 3 === 1 ? "refuse" : "ok");
  const agent = agentTo(server, 60);
  const errors: string[] = [];
  agent.on("error", ({ code }) => void errors.push(code));
  await agent.start();
  await agent.flush();
  stopped.add(agent);
  await until("all is decided", isDelivered(agent));
  await agent.stop();
  const { exported, dropped } = deliveryOf(agent);
  t.deepEqual([exported, dropped], [40, { export_rejected: 20 }]);
  t.is(server.taken.length, 40);
  t.deepEqual(errors, ["SKEP_ERR_EXPORT", "SKEP_ERR_EXPORT"]);
});

test("a server that hangs blocks neither the drain nor the end, and what is left is counted", async (t) => {
  const server = await serverOf(t);
  server.mood = () => "hang";
  const agent = agentTo(server, 40, 0, { limits: { exportMs: 60_000, stopMs: 600 } });
  await agent.start();
  for (let i = 0; i < 5; i++) {
    const before = performance.now();
    await agent.flush();
    t.true(performance.now() - before < 500, "a flush waits for nobody");
  }
  stopped.add(agent);
  const before = performance.now();
  await agent.stop();
  t.true(performance.now() - before < 3000);
  t.deepEqual(deliveryOf(agent).dropped, { export_deadline: 200 });
});

test("a server that is away for a while loses nothing that fits; of what does not, the newest stay, counted", async (t) => {
  const server = await serverOf(t);
  const agent = agentTo(server, 30, 0, { limits: { queuedPoints: 100 } });
  await agent.start();
  await agent.flush();
  await until("the first are delivered", isDelivered(agent));
  await server.disappear();
  for (let i = 0; i < 5; i++) await agent.flush();
  await until("it was missed", () => deliveryOf(agent).failures > 2);
  stopped.add(agent);
  await server.appear();
  await until("all is delivered", isDelivered(agent));
  await agent.stop();
  const numbers = numbersOf(server);
  const { dropped } = deliveryOf(agent);
  t.is(numbers.length + (dropped["queue_full"] ?? 0), 180);
  t.deepEqual(numbers.slice(-100), upTo(180).slice(-100));
  t.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
});

test("with a spool a server may be away while agents come and go: nothing is lost, nothing out of order", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "skep-delivery-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const server = await serverOf(t);
  await server.disappear();
  const more = { spool: { directory }, limits: { queuedPoints: 25 } };
  for (let run = 0; run < 3; run++) {
    const agent = agentTo(server, 20, run * 100, more);
    await agent.start();
    for (let i = 0; i < 5; i++) {
      await agent.flush();
      await until("they are on disk", () => deliveryOf(agent).spooled === run * 100 + (i + 1) * 20);
    }
    stopped.add(agent);
    await agent.stop();
    t.deepEqual(deliveryOf(agent).dropped, {});
  }
  const last = agentTo(server, 0, 0, more);
  stopped.add(last);
  await server.appear();
  await last.start();
  await until("all is delivered", isDelivered(last));
  await last.stop();
  t.deepEqual(numbersOf(server), upTo(300));
});
