// SPDX-License-Identifier: MIT

import { defineMeasurement, field, optionalField, type Point, tag } from "@skep/core";
import test, { type ExecutionContext } from "ava";
import { prometheusExporter, type PrometheusExporter, type PrometheusOptions } from "../../src/index.js";

const flow = defineMeasurement({
  name: "flow",
  category: "network",
  description: "test",
  tags: { peer: tag("peer"), pid: tag("process") },
  fields: {
    bytes_read: field("int", "By", "bytes read"),
    count: field("int", "1", "requests"),
    latency: optionalField("int", "ns", "time"),
    status: field("int", "1", "status", "dimension"),
    path: field("string", "", "path"),
  },
});
const point = (
  peer: string,
  fields: Partial<Record<"bytes_read" | "count" | "latency" | "status", number>> = {},
): Point => flow.point(1n, { peer, pid: "7" }, { bytes_read: 10, count: 1, status: 200, path: "/a", ...fields });

function exporter(t: ExecutionContext, options: Partial<PrometheusOptions> = {}): PrometheusExporter {
  const made = prometheusExporter({ measurements: [flow], port: 0, ...options });
  t.teardown(() => made.close?.());
  return made;
}

const { signal } = new AbortController();
const scrape = async (made: PrometheusExporter): Promise<string> => (await fetch(made.address!)).text();

test("counts add up over exports, other numbers are the latest, in base units", async (t) => {
  const made = exporter(t);
  await made.export([point("a", { latency: 2_000_000 })], { signal });
  await made.export([point("a", { latency: 4_000_000, count: 2 }), point("b")], { signal });
  const text = await scrape(made);
  const labels = (peer: string) => `{peer="${peer}",host="",service="",status="200",path="/a"}`;
  t.true(text.includes(`skep_flow_bytes_read_total${labels("a")} 20\n`), text);
  t.true(text.includes(`skep_flow_count_total${labels("a")} 3\n`), text);
  t.true(text.includes(`skep_flow_latency_seconds${labels("a")} 0.004\n`), text);
  t.true(text.includes(`skep_flow_bytes_read_total${labels("b")} 10\n`), text);
  t.false(text.includes("pid="), "the pid is left out by default");
});

test("beyond the cap points share one series and are counted, and nothing is lost of the sums", async (t) => {
  const made = exporter(t, { maxSeries: 2 });
  await made.export(
    ["a", "b", "c", "d", "a"].map((peer) => point(peer)),
    { signal },
  );
  const text = await scrape(made);
  t.regex(text, /skep_flow_count_total\{peer="a"[^}]*\} 2\n/);
  t.regex(text, /skep_flow_count_total\{peer="overflow"[^}]*path="overflow"\} 2\n/);
  t.true(text.includes('skep_exporter_overflow_points_total{measurement="flow"} 2\n'), text);
});

test("series that are out of date are removed and make room", async (t) => {
  const made = exporter(t, { maxSeries: 1, staleMs: 0 });
  await made.export([point("a")], { signal });
  await made.export([point("b")], { signal });
  const text = await scrape(made);
  t.false(text.includes('peer="a"'), text);
  t.true(text.includes('peer="b"'), text);
});

test("points of a measurement that was not declared are counted, not dropped in silence", async (t) => {
  const made = exporter(t);
  await made.export([{ ...point("a"), measurement: "other" }], { signal });
  t.true((await scrape(made)).includes('skep_exporter_unknown_points_total{measurement="other"} 1\n'));
});

test("a port that is taken is an error with the mend", async (t) => {
  const first = exporter(t);
  await first.listen();
  const port = Number(new URL(first.address!).port);
  const error = await t.throwsAsync(exporter(t, { port }).listen(), { code: "SKEP_ERR_EXPORT" });
  t.is((error as { hint?: string }).hint, "choose a free port");
});

test("only /metrics is served, only to readers", async (t) => {
  const made = exporter(t);
  await made.listen();
  t.is((await fetch(new URL("/", made.address))).status, 404);
  t.is((await fetch(made.address!, { method: "POST" })).status, 405);
  t.is((await fetch(made.address!)).headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
});

test("what the agent says about itself is there too, as it is when somebody asks", async (t) => {
  const made = exporter(t);
  const timing = { count: 2, totalMs: 500, longestMs: 300, lastMs: 200 };
  let observed = 5;
  made.observeAgent?.(() => ({
    plugins: [
      {
        name: "net",
        counters: { observed, emitted: 1, aggregated: 1, dropped: { ring_full: 3 }, pending: 0 },
        failures: 0,
        restarts: 0,
        flush: timing,
        rings: [{ map: "events", size: 4096, pending: 0, peak: 0.5, records: 7 }],
        programs: [{ program: "on_close", runs: 10, runTimeNs: 2000, recursionMisses: 0 }],
      },
    ],
    drain: timing,
    flush: timing,
    exporters: [
      { name: "x", queued: 1, spooled: 0, exported: 2, dropped: {}, lagMs: 1500, failures: 0, lastError: undefined },
    ],
    process: { rss: 100, heapUsed: 50, cpuSeconds: 1.5 },
  }));
  await made.listen();
  const first = await scrape(made);
  for (const line of [
    'skep_agent_observed_total{plugin="net"} 5',
    'skep_agent_dropped_total{plugin="net",reason="ring_full"} 3',
    'skep_agent_ring_peak_ratio{plugin="net",ring="events"} 0.5',
    'skep_agent_program_seconds_total{plugin="net",program="on_close"} 0.000002',
    'skep_agent_export_lag_seconds{exporter="x"} 1.5',
    "skep_agent_flush_seconds_total 0.5",
    "skep_agent_resident_memory_bytes 100",
    "skep_agent_cpu_seconds_total 1.5",
  ]) {
    t.true(first.includes(`${line}\n`), `${line}\n${first}`);
  }
  observed = 9;
  t.true((await scrape(made)).includes('skep_agent_observed_total{plugin="net"} 9\n'));
});
