// SPDX-License-Identifier: MIT
// The whole way: a command's traffic, observed in the kernel, arrives at servers as they know it.
import test, { type ExecutionContext } from "ava";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Point } from "@skep/core";
import { decodePoints } from "@skep/exporter-datakit";
import { liveTests } from "@skep/testkit";
import { buildWorkingTree, exchange, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root"]);

// What changed is built before the time of a run matters.
test.before("build", () => buildWorkingTree());

interface Server {
  readonly address: string;
  readonly requests: { readonly url: string; readonly type: string; readonly body: Buffer }[];
}

async function serverOf(t: ExecutionContext, answer = () => 200): Promise<Server> {
  const requests: Server["requests"] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const type = request.headers["content-type"] ?? "";
    requests.push({ url: request.url ?? "", type, body: Buffer.concat(parts) });
    response.writeHead(answer()).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** An address of the loopback device where nobody listens. */
const freeAddress = (): Promise<string> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
  });

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-exporters-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

const command = exchange("--connections", "3", "--send", "1000", "--reply", "2000");

/** Bytes of the command's two ends, as netflow's points have them. */
function bytesOf(points: readonly Pick<Point, "measurement" | "tags" | "fields">[]) {
  const flows = points.filter(({ measurement, tags }) => measurement === "netflow" && tags["transport"] === "tcp");
  const sum = (direction: string, field: string) =>
    flows
      .filter(({ tags }) => tags["direction"] === direction)
      .reduce((total, { fields }) => total + Number(fields[field] ?? 0), 0);
  return {
    outgoing: [sum("outgoing", "bytes_written"), sum("outgoing", "bytes_read")],
    incoming: [sum("incoming", "bytes_written"), sum("incoming", "bytes_read")],
  };
}
const truth = { outgoing: [3000, 6000], incoming: [6000, 3000] };

const pointsOf = ({ requests }: Server) =>
  requests
    .filter(({ url }) => url === "/v1/write/network?input=ebpf-net%2Fnetflow")
    .flatMap(({ body }) => decodePoints(body, "network"));

live(["root"], "a command's bytes arrive at a DataKit server, by the flag", async (t) => {
  const server = await serverOf(t);
  const tags = ["--hostname", "bee", "--tags", "stage=test"];
  const to = ["--datakit-apiserver", server.address];
  const ended = await runProgram([skep, "run", ...to, ...tags, "--output", "none", "--", ...command]);
  t.is(ended.status, 0, ended.stderr);
  const points = pointsOf(server);
  t.deepEqual(bytesOf(points), truth, ended.stderr);
  t.true(server.requests.every(({ type }) => type === "application/protobuf; proto=com.guance.Point"));
  for (const { tags: found } of points) t.like(found, { host: "bee", stage: "test", service: "ebpf" });
  const summary = ended.log.at(-1) as unknown as { exporters: { name: string; exported: number }[] };
  t.is(summary.exporters.find(({ name }) => name === "datakit netflow")?.exported, points.length);
});

live(["root"], "a file in the reference's words does the same, and a variable wins over it", async (t) => {
  const [server, other] = [await serverOf(t), await serverOf(t)];
  const file = join(folderOf(t), "ebpf.conf");
  const text = `[[inputs.ebpf]]
  daemon = true
  name = 'ebpf'
  cmd = "/usr/local/datakit/externals/datakit-ebpf"
  args = ["--datakit-apiserver", "${server.address}"]
  envs = []
  enabled_plugins = ["ebpf-net"]
  l7net_enabled = ["httpflow"]
  trace_server = ""
`;
  writeFileSync(file, text);
  const run = [skep, "run", "--config", file, "--output", "none", "--", ...command];
  const ended = await runProgram(run);
  t.is(ended.status, 0, ended.stderr);
  t.deepEqual(bytesOf(pointsOf(server)), truth, ended.stderr);
  await runProgram(run, { env: { ENV_INPUT_EBPF_DATAKIT_APISERVER: other.address } });
  t.deepEqual(bytesOf(pointsOf(other)), truth);
});

live(["root"], "OpenTelemetry's own variable sends metrics to a collector", async (t) => {
  const server = await serverOf(t);
  const ended = await runProgram([skep, "run", "--output", "none", "--", ...command], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${server.address}`, OTEL_EXPORTER_OTLP_HEADERS: "api-key=hunter2" },
  });
  t.is(ended.status, 0, ended.stderr);
  t.deepEqual([...new Set(server.requests.map(({ url }) => url))], ["/v1/metrics"]);
  t.true(server.requests[0]!.body.includes("skep.netflow.bytes_read"));
  t.notRegex(ended.stderr, /hunter2/);
});

live(["root"], "what an absent server did not take waits in the spool, and the next run delivers it", async (t) => {
  const spool = join(folderOf(t), "spool");
  const gone = await serverOf(t, () => 503);
  const delivery = (address: string) => ["--datakit-apiserver", address, "--spool-dir", spool, "--output", "none"];
  const first = await runProgram([skep, "run", ...delivery(gone.address), "--", ...command]);
  t.is(first.status, 0, first.stderr);
  t.true(readdirSync(join(spool, "datakit-netflow")).length > 0, first.stderr);
  t.regex(first.stderr, /datakit netflow cannot deliver: .*503.*; it will be tried again/);
  const server = await serverOf(t);
  const second = await runProgram([skep, "run", ...delivery(server.address), "--", "true"]);
  t.deepEqual(bytesOf(pointsOf(server)), truth, second.stderr);
  t.deepEqual(readdirSync(join(spool, "datakit-netflow")), []);
});

live(["root"], "/metrics tells the traffic while it goes on", async (t) => {
  const listen = await freeAddress();
  const long = exchange("--rounds", "40", "--delay-us", "100000");
  let text = "";
  let isRunning = true;
  const running = runProgram(
    [skep, "run", "--prometheus-listen", listen, "--interval", "500ms", "--output", "none", "--", ...long],
    {},
  ).finally(() => (isRunning = false));
  while (isRunning && !text.includes("skep_netflow_bytes_read_total{")) {
    text = await fetch(`http://${listen}/metrics`).then(
      (response) => response.text(),
      () => "",
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ended = await running;
  t.is(ended.status, 0, ended.stderr);
  t.regex(text, /skep_netflow_bytes_read_total\{[^}]*direction="incoming"[^}]*\} [1-9]/);
});

live(["root"], "a port for /metrics that is taken is told with the mend", async (t) => {
  const server = await serverOf(t);
  const taken = await runProgram([
    skep,
    "run",
    "--prometheus-listen",
    server.address,
    "--output",
    "none",
    "--",
    "true",
  ]);
  t.is(taken.status, 1);
  t.like(taken.log.at(-1), { code: "SKEP_ERR_EXPORT", hint: "choose a free port" });
  t.notRegex(taken.stderr, /^ +at /m);
});

live(["root"], "no secret of the configuration is in any line of the log", async (t) => {
  const folder = folderOf(t);
  const file = join(folder, "ebpf.conf");
  const secrets = `bearer_token_string = "hunter2"\notlp_headers = { authorization = "hunter2" }\n`;
  const gone = "http://bee:hunter2@127.0.0.1:1";
  const run = (text: string) => {
    writeFileSync(file, `${text}${secrets}datakit_apiserver = "${gone}"\notlp_endpoint = "http://127.0.0.1:1"\n`);
    return runProgram([skep, "run", "--config", file, "--log-level", "debug", "--output", "none", "--", ...command]);
  };
  for (const text of ["", "nonsense = 1\n", 'interval = "soon"\n', "interval = \n"]) {
    const { stderr } = await run(text);
    t.notRegex(stderr, /hunter2/, text);
  }
});
