// SPDX-License-Identifier: MIT
// Prometheus itself reads what we serve. `apt-get install prometheus` brings both programs.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineMeasurement, field, optionalField, type Point, tag } from "@skep/core";
import test, { type ExecutionContext } from "ava";
import { prometheusExporter, type PrometheusExporter } from "../../src/index.js";

const hasCommand = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const withCommand = (command: string, title: string, run: (t: ExecutionContext) => Promise<void>): void => {
  if (hasCommand(command)) test(title, run);
  else test.skip(`${title} (skipped: ${command} is missing, install prometheus)`, run);
};

const flow = defineMeasurement({
  name: "httpflow",
  category: "network",
  description: "test",
  tags: { peer: tag("peer"), direction: tag("direction") },
  fields: {
    bytes_read: field("int", "By", "bytes \\ read\nin two lines"),
    count: field("int", "1", "requests"),
    latency: optionalField("int", "ns", "time"),
    status_code: field("int", "1", "status", "dimension"),
    path: field("string", "", "path"),
  },
});

const paths = ["/a", '/quote"d', "/back\\slash", "/new\nline", "/ünïcode/✓", "/{curly}"];
const points = (): Point[] =>
  paths.map((path, index) =>
    flow.point(
      1n,
      { peer: `10.0.0.${index}`, direction: "outgoing" },
      { bytes_read: 1000 + index, count: 1, latency: 2_500_000, status_code: 200, path },
    ),
  );

const { signal } = new AbortController();

async function served(t: ExecutionContext): Promise<PrometheusExporter> {
  const exporter = prometheusExporter({ measurements: [flow], port: 0 });
  t.teardown(() => exporter.close?.());
  await exporter.export(points(), { signal });
  await exporter.export(points(), { signal });
  return exporter;
}

withCommand("promtool", "promtool finds nothing to say against /metrics", async (t) => {
  const exporter = await served(t);
  const text = await (await fetch(exporter.address!)).text();
  const checked = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  t.is(checked.status, 0, `${checked.stdout}${checked.stderr}`);
  t.is(`${checked.stdout}${checked.stderr}`, "");
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

withCommand("prometheus", "a Prometheus that scrapes has the same values, with every label as it was", async (t) => {
  const exporter = await served(t);
  const folder = mkdtempSync(join(tmpdir(), "skep-prometheus-"));
  const target = new URL(exporter.address!).host;
  const config = `global: { scrape_interval: 1s }\nscrape_configs:\n  - job_name: skep\n    static_configs: [{ targets: ["${target}"] }]\n`;
  writeFileSync(join(folder, "prometheus.yml"), config);
  const port = await freePort();
  const server = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => server.once("exit", resolve));
  t.teardown(async () => {
    server.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  type Result = { readonly metric: Record<string, string>; readonly value: [number, string] };
  const query = async (expression: string): Promise<Result[]> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = await fetch(url)
      .then((response) => response.json() as Promise<{ data: { result: Result[] } }>)
      .catch(() => undefined);
    return answer?.data?.result ?? [];
  };
  const deadline = performance.now() + 40_000;
  let found: Result[] = [];
  while (found.length < paths.length && performance.now() < deadline) {
    found = await query("skep_httpflow_bytes_read_total");
    if (found.length < paths.length) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const byPath = new Map(found.map(({ metric, value }) => [metric["path"], Number(value[1])]));
  t.deepEqual([...byPath].sort(), paths.map((path, index): [string, number] => [path, 2 * (1000 + index)]).sort());
  const [latency] = await query('skep_httpflow_latency_seconds{path="/a"}');
  t.is(Number(latency?.value[1]), 0.0025);
  t.like(latency?.metric, { peer: "10.0.0.0", direction: "outgoing", status_code: "200", job: "skep" });
});
