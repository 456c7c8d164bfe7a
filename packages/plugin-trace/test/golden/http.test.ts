// SPDX-License-Identifier: MIT
// What a real kernel (6.18 under lockdown) once told of scene.mjs still becomes the same traces.
import { fileURLToPath } from "node:url";
import { Player, readRun } from "@skep/backend-replay";
import { type Exporter, type Point } from "@skep/core";
import { linkingExporters } from "@skep/linker";
import test from "ava";
import { trace } from "../../src/index.js";

/** The request, and how it went. */
const requests = [
  ["1", "ok"],
  ["2", "ok"],
  ["3", "ok"],
  ["traced", "ok"],
  ["broken", "error"],
] as const;

test("requests of a client to a proxy, of the proxy to a server: a tree of four spans each", async (t) => {
  const spans: Point[] = [];
  const exporter: Exporter = { name: "collected", export: (points) => void spans.push(...points) };
  const run = readRun(fileURLToPath(new URL("http.run", import.meta.url)));
  const player = new Player(run, { plugins: [trace], exporters: linkingExporters([exporter]) });
  await player.play();

  const byId = new Map(spans.map((span) => [span.fields["span_id"], span]));
  const told = (span: Point | undefined): string =>
    span === undefined ? "" : `${String(span.fields["span_type"])} ${String(span.fields["resource"])}`;
  const parents = new Map(spans.map((span) => [told(span), told(byId.get(span.fields["ebpf_parent_id"]))]));
  t.is(spans.length, 4 * requests.length);
  for (const [name, status] of requests) {
    t.is(parents.get(`exit GET /r/${name}`), "");
    t.is(parents.get(`entry GET /r/${name}`), `exit GET /r/${name}`);
    t.is(parents.get(`exit GET /b/${name}`), `entry GET /r/${name}`);
    t.is(parents.get(`entry GET /b/${name}`), `exit GET /b/${name}`);
    const own = spans.filter((span) => told(span).endsWith(`/${name}`));
    t.deepEqual(new Set(own.map(({ fields }) => fields["status"])), new Set([status]));
    t.is(new Set(own.map(({ fields }) => fields["trace_id"])).size, 1);
  }
  const traced = spans.find((span) => told(span) === "entry GET /b/traced")!;
  t.is(traced.fields["trace_id"], "0af7651916cd43dd8448eb211c80319c", "the application's own trace goes before");
  t.false(JSON.stringify(spans, (_, value: unknown) => String(value)).includes("secret"), "a query is told");
});
