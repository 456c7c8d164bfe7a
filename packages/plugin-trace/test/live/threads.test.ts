// SPDX-License-Identifier: MIT
// A proxy and a server with a thread per connection: which request is which stands in the paths.
import { Agent } from "node:http";
import { type Exporter, type Point, spanLinkOf } from "@skep/core";
import { Linker } from "@skep/linker";
import { patience, until } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { livePython as live } from "./live.js";
import { nothingUnaccounted, observer, ofType } from "./observe.js";
import { get, pythonServer } from "./python.js";

const routeOf = ({ fields }: Point): string => String(fields["http_route"]);
const numberOf = (span: Point): string => routeOf(span).replace(/^\/[rb]\//, "");

/** Asks the proxy `count` times, `atOnce` at a time, each on a connection of its own that is kept. */
async function askAll(port: number, count: number, atOnce: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let id = next++; id < count; id = next++) await get(port, `/r/${id}?of=${count}`, agent);
    agent.destroy();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Every span with the trace that an independent linker made of them. */
async function linked(spans: readonly Point[]): Promise<readonly Point[]> {
  const points: Point[] = [];
  const exporter: Exporter = { name: "collected", export: (batch) => void points.push(...batch) };
  const linker = new Linker({ exporters: [exporter] });
  linker.receive(spans);
  await linker.flush();
  await linker.close();
  return points;
}

/** Of each request a tree: the proxy was asked, it asked, the server was asked; all by one number. */
async function sameTrees(t: ExecutionContext, spans: readonly Point[], count: number): Promise<void> {
  const points = await linked(spans);
  const byId = new Map(points.map((span) => [spanLinkOf(span)!.spanId, span]));
  const trees = new Map<string, string>();
  for (const span of points) {
    const parent = byId.get(spanLinkOf(span)!.parentSpanId ?? "");
    if (parent !== undefined) t.is(numberOf(span), numberOf(parent), "a span has the parent of another request");
    const ofParent = parent === undefined ? "" : `${String(parent.fields["span_type"])} ${routeOf(parent)}`;
    trees.set(`${String(span.fields["span_type"])} ${routeOf(span)}`, ofParent);
  }
  const expected = new Map<string, string>();
  for (let id = 0; id < count; id++) {
    expected.set(`entry /r/${id}`, "");
    expected.set(`exit /b/${id}`, `entry /r/${id}`);
    expected.set(`entry /b/${id}`, `exit /b/${id}`);
  }
  t.deepEqual(new Map([...trees].sort()), new Map([...expected].sort()));
}

for (const atOnce of [1, 8]) {
  live(`threads, ${atOnce} requests at once: every call is tied to the request it was made for`, async (t) => {
    const count = 100;
    const { cgroup, agent, spans, status } = await observer(t);
    const backend = await pythonServer(t, { cgroup }, "threads", "backend");
    const proxy = await pythonServer(
      t,
      { cgroup, env: { DD_SERVICE: "front" } },
      "threads",
      "proxy",
      String(backend.port),
    );

    await askAll(proxy.port, count, atOnce);
    await until(() => spans.length >= 3 * count, { what: "all spans", timeoutMs: 20_000 * patience });
    await agent.stop();

    t.is(spans.length, 3 * count);
    await sameTrees(t, spans, count);
    for (const span of ofType(spans, "exit")) {
      t.like(span.tags, { service: "front" });
      t.like(span.fields, {
        direction: "outgoing",
        pid: String(proxy.pid),
        dst_ip: "127.0.0.1",
        dst_port: String(backend.port),
        http_method: "GET",
        http_status_code: "200",
        status: "ok",
      });
      t.true(Number(span.fields["duration"]) > 0);
    }
    nothingUnaccounted(t, status());
  });
}
