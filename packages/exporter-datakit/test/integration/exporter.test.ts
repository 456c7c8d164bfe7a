// SPDX-License-Identifier: MIT

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { ExportError } from "@skep/core";
import { type Exporter, type Point } from "@skep/core";
import test, { type ExecutionContext } from "ava";
import {
  datakitExporters,
  datakitFromConfig,
  datakitSection,
  lastErrorReporter,
  type DatakitOptions,
} from "../../src/index.js";
import { decodePoints } from "../support/decode.js";

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

type Answer = (request: Received, response: ServerResponse) => void;
const ok: Answer = (_request, response) => response.end();

const point = (measurement: string, category: Point["category"], fields: Point["fields"] = { count: 1 }): Point => ({
  measurement,
  category,
  time: 1_795_350_000_123_456_789n,
  tags: { host: "h" },
  fields,
});

/** A server that does as told, and an exporter of each route to it. */
async function datakit(t: ExecutionContext, answer: Answer = ok, options: Partial<DatakitOptions> = {}) {
  const received: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = "", url = "", headers } = request;
    const whole = { method, url, headers, body: Buffer.concat(parts) };
    received.push(whole);
    answer(whole, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exporters = datakitExporters({ server: address, traceServer: address, ...options });
  return { received, exporters, address };
}

const signal = new AbortController().signal;

/** Hands the points to whoever accepts them, as core does. */
async function send(exporters: readonly Exporter[], points: readonly Point[], given = signal): Promise<void> {
  for (const exporter of exporters) {
    const accepts = exporter.accepts as (point: Point) => boolean;
    const wanted = points.filter(accepts);
    if (wanted.length > 0) await exporter.export(wanted, { signal: given });
  }
}

test("each measurement goes to the path of its category under its collector's name", async (t) => {
  const { received, exporters } = await datakit(t);
  await send(exporters, [
    point("netflow", "network"),
    point("httpflow", "network"),
    point("dnsflow", "network"),
    point("bash", "logging"),
    point("span", "tracing"),
    point("mine", "network"),
    point("my_log", "logging"),
  ]);
  t.deepEqual(
    received.map(({ method, url }) => `${method} ${url}`),
    [
      "POST /v1/write/network?input=ebpf-net%2Fnetflow",
      "POST /v1/write/network?input=ebpf-net%2Fhttpflow",
      "POST /v1/write/network?input=ebpf-net%2Fdnsflow",
      "POST /v1/write/logging?input=ebpf-bash",
      "POST /v1/write/network?input=skep%2Fnetwork",
      "POST /v1/write/logging?input=skep%2Flogging",
      "POST /v1/bpftracing",
    ],
  );
});

test("the body is protobuf and says the types that were declared", async (t) => {
  const { received, exporters } = await datakit(t);
  const fields = { count: 3, ratio: 0.5, big: 9_007_199_254_740_993n, ok: true, path: "/a b" };
  await send(exporters, [point("httpflow", "network", fields)]);
  t.is(received[0]!.headers["content-type"], "application/protobuf; proto=com.guance.Point");
  t.deepEqual(decodePoints(received[0]!.body), [
    {
      name: "httpflow",
      time: 1_795_350_000_123_456_789n,
      tags: { host: "h" },
      fields: { count: 3n, ratio: 0.5, big: 9_007_199_254_740_993n, ok: true, path: "/a b" },
    },
  ]);
});

test("line protocol and gzip are written when asked for", async (t) => {
  const { received, exporters } = await datakit(t, ok, { encoding: "line", gzip: true });
  await send(exporters, [point("netflow", "network")]);
  t.is(received[0]!.headers["content-encoding"], "gzip");
  t.is(received[0]!.headers["content-type"], "application/line-protocol");
  t.is(gunzipSync(received[0]!.body).toString(), "netflow,host=h count=1i 1795350000123456789\n");
});

for (const status of [408, 429, 500, 503]) {
  test(`an answer ${status} is worth another try`, async (t) => {
    const { exporters } = await datakit(t, (_request, response) => {
      response.writeHead(status, { "retry-after": "7" }).end("later");
    });
    const error = await t.throwsAsync<ExportError>(send(exporters, [point("netflow", "network")]));
    t.true(error.options.retryable);
    t.is(error.options.retryAfterMs, 7000);
    t.regex(error.message, new RegExp(`/v1/write/network answered ${status}: later`));
  });
}

for (const status of [301, 400, 401, 404, 413]) {
  test(`an answer ${status} is final`, async (t) => {
    const { exporters } = await datakit(t, (_request, response) => response.writeHead(status).end());
    const error = await t.throwsAsync<ExportError>(send(exporters, [point("netflow", "network")]));
    t.false(error.options.retryable);
  });
}

test("a server that is not there, resets or answers garbage is tried again", async (t) => {
  const { exporters } = await datakit(t, (_request, response) => response.socket!.destroy());
  const reset = await t.throwsAsync<ExportError>(send(exporters, [point("netflow", "network")]));
  t.true(reset.options.retryable, "reset");
  const garbage = await datakit(t, (_request, response) => response.socket!.end("no http at all\r\n\r\n"));
  t.true(
    (await t.throwsAsync<ExportError>(send(garbage.exporters, [point("netflow", "network")]))).options.retryable,
    "garbage",
  );
  const nobody = datakitExporters({ server: "127.0.0.1:1" });
  t.true((await t.throwsAsync<ExportError>(send(nobody, [point("netflow", "network")]))).options.retryable, "nobody");
});

test("a server that hangs is left at the deadline, with the deadline's reason", async (t) => {
  const { exporters } = await datakit(t, () => {});
  const abort = new AbortController();
  const reason = new Error("the deadline");
  const sending = send(exporters, [point("netflow", "network")], abort.signal);
  setTimeout(() => abort.abort(reason), 50);
  t.is(await t.throwsAsync(sending), reason);
});

test("points are delivered once the server has answered, however its answer goes on", async (t) => {
  const { exporters, received } = await datakit(t, (_request, response) => {
    response.writeHead(200);
    response.write("and so on");
  });
  await send(exporters, [point("netflow", "network")]);
  t.is(received.length, 1);
});

test("an address that is none is refused with the mend", (t) => {
  for (const server of ["", "ftp://host", "http://", "a b"]) {
    const error = t.throws(() => datakitExporters({ server }), { code: "SKEP_ERR_CONFIG" });
    t.regex(String((error as { hint?: string }).hint), /host:port/);
  }
});

test("a user in the address becomes an authorization header and is in no message", async (t) => {
  const { received, address } = await datakit(t);
  await send(datakitExporters({ server: `http://bee:hun%20ter2@${address}` }), [point("netflow", "network")]);
  t.is(received[0]!.headers.authorization, `Basic ${Buffer.from("bee:hun ter2").toString("base64")}`);
  const nobody = datakitExporters({ server: "http://bee:hunter2@127.0.0.1:1" });
  const error = await t.throwsAsync<ExportError>(send(nobody, [point("netflow", "network")]));
  t.notRegex(error.message, /hunter2/);
  t.notRegex(t.throws(() => datakitExporters({ server: "ftp://bee:hunter2@host" })).message, /hunter2/);
});

test("with a trace server alone only spans go out", async (t) => {
  const { received, address } = await datakit(t);
  await send(datakitExporters({ traceServer: address }), [point("netflow", "network"), point("span", "tracing")]);
  t.deepEqual(
    received.map(({ url }) => url),
    ["/v1/bpftracing"],
  );
});

test("the configuration's empty addresses mean no exporter, a wrong one is refused without quoting it", async (t) => {
  t.deepEqual(datakitFromConfig(datakitSection.config.parse({}), { measurements: [] }), []);
  const wrong = datakitSection.config.safeParse({ datakit_apiserver: "ftp://bee:hunter2@host" });
  t.regex(wrong.error?.message ?? "", /is no address/);
  t.notRegex(wrong.error?.message ?? "", /hunter2/);
});

test("a last error is told as the server wants it, and the next ones not at once", async (t) => {
  const { received, address } = await datakit(t);
  const tell = lastErrorReporter(address);
  tell("first");
  tell("second");
  const deadline = Date.now() + 10_000;
  while (received.length === 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  t.is(received.length, 1);
  t.is(received[0]!.url, "/v1/lasterror");
  t.deepEqual(JSON.parse(received[0]!.body.toString()), { input: "ebpf", source: "", err_content: "first" });
});
