// SPDX-License-Identifier: MIT

import { status } from "@grpc/grpc-js";
import {
  defineMeasurement,
  type ExportError,
  type Exporter,
  field,
  optionalField,
  type Point,
  spanMeasurement,
  tag,
} from "@skep/core";
import test, { type ExecutionContext } from "ava";
import { otlpExporters, otlpFromConfig, type OtlpOptions, otlpSection, type Signal } from "../../src/index.js";
import { attributesOf, grpcReceiver, httpReceiver, type Message, type Receiver } from "../support/receiver.js";

const ends = {
  family: tag("family"),
  transport: tag("transport"),
  direction: tag("direction"),
  src_ip: tag("local"),
  src_port: tag("local port"),
  dst_ip: tag("peer"),
  dst_port: tag("peer port"),
  dst_domain: tag("peer name"),
  pid: tag("process"),
  process_name: tag("its name"),
};
const netflow = defineMeasurement({
  name: "netflow",
  category: "network",
  description: "test",
  tags: ends,
  fields: {
    bytes_read: field("int", "By", "bytes read"),
    rtt: optionalField("int", "us", "round trip"),
    retransmits: optionalField("int", "1", "segments"),
  },
});
const httpflow = defineMeasurement({
  name: "httpflow",
  category: "network",
  description: "test",
  tags: ends,
  fields: {
    count: field("int", "1", "exchanges"),
    method: field("string", "1", "method"),
    path: field("string", "1", "path"),
    status_code: field("int", "1", "status", "dimension"),
    latency: field("int", "ns", "latency"),
  },
});
const dnsflow = defineMeasurement({
  name: "dnsflow",
  category: "network",
  description: "test",
  tags: ends,
  fields: {
    rcode: field("int", "1", "code", "dimension"),
    count: field("int", "1", "exchanges"),
    latency: field("int", "ns", "latency"),
    latency_max: field("int", "ns", "longest"),
  },
});
const bash = defineMeasurement({
  name: "bash",
  category: "logging",
  description: "test",
  tags: {},
  fields: {
    message: field("string", "1", "line"),
    cmd: field("string", "1", "command"),
    user: field("string", "1", "user"),
    pid: field("string", "1", "shell"),
  },
});
const measurements = [netflow, httpflow, dnsflow, bash, spanMeasurement];

const time = 1_795_350_000_123_456_789n;
const outgoing = {
  family: "IPv4",
  transport: "tcp",
  direction: "outgoing",
  src_ip: "10.0.0.1",
  src_port: "*",
  dst_ip: "10.0.0.2",
  dst_port: "443",
  dst_domain: "api.example",
  pid: "77",
  process_name: "curl",
};
const incoming = {
  ...outgoing,
  direction: "incoming",
  src_port: "8080",
  dst_port: "*",
  dst_domain: "",
  pid: "78",
  process_name: "node",
};
const complete = (point: Point): Point => {
  Object.assign(point.tags, { host: "bee", service: "ebpf", stage: "test" });
  return point;
};

const { signal } = new AbortController();

async function setUp(t: ExecutionContext, receive: () => Promise<Receiver>, options: Partial<OtlpOptions> = {}) {
  const receiver = await receive();
  const exporters = otlpExporters({ endpoint: receiver.url, measurements, intervalMs: 10_000, ...options });
  t.teardown(async () => {
    for (const exporter of exporters) await exporter.close?.();
    receiver.close();
  });
  const of = (name: Signal): Exporter => exporters.find((exporter) => exporter.name === `otlp ${name}`)!;
  return { receiver, exporters, of };
}

const transports = [
  ["HTTP", httpReceiver, {}],
  ["HTTP, compressed", httpReceiver, { compression: "gzip" }],
  ["gRPC", grpcReceiver, { protocol: "grpc" }],
  ["gRPC, compressed", grpcReceiver, { protocol: "grpc", compression: "gzip" }],
  ["HTTP as JSON", httpReceiver, { protocol: "http/json" }],
] as const;

/** Metric name -> its data, of one resource. */
const metricsOf = (resource: Message): Map<string, Message> =>
  new Map(resource["scopeMetrics"][0].metrics.map((metric: Message) => [metric["name"], metric]));

for (const [what, receive, options] of transports) {
  test(`metrics of all processes arrive in one request over ${what}, by resource, in OpenTelemetry's names and units`, async (t) => {
    const { receiver, of } = await setUp(t, receive, options);
    await of("metrics").export(
      [
        complete(netflow.point(time, outgoing, { bytes_read: 1000, rtt: 1500, retransmits: 2 })),
        complete(netflow.point(time, incoming, { bytes_read: 7 })),
        complete(netflow.point(time, { ...outgoing, dst_ip: "10.0.0.3" }, { bytes_read: 3 })),
      ],
      { signal },
    );
    t.is(receiver.received.length, 1);
    const { resourceMetrics } = receiver.received[0]!.message;
    t.deepEqual(
      resourceMetrics.map(({ resource }: Message) => attributesOf(resource.attributes)),
      [
        {
          "host.name": "bee",
          "service.name": "ebpf",
          stage: "test",
          "process.pid": 77,
          "process.executable.name": "curl",
        },
        {
          "host.name": "bee",
          "service.name": "ebpf",
          stage: "test",
          "process.pid": 78,
          "process.executable.name": "node",
        },
      ],
    );
    const curl = metricsOf(resourceMetrics[0]);
    t.deepEqual([...curl.keys()], ["skep.netflow.bytes_read", "skep.netflow.rtt", "skep.netflow.retransmits"]);
    const read = curl.get("skep.netflow.bytes_read")!;
    t.is(read["unit"], "By");
    t.true(read["sum"].isMonotonic);
    const points = read["sum"].dataPoints as Message[];
    t.deepEqual(
      points.map(({ asInt }) => Number(asInt)),
      [1000, 3],
    );
    t.is(BigInt(points[0]!["timeUnixNano"]), time);
    t.is(BigInt(points[0]!["startTimeUnixNano"]), time - 10_000_000_000n);
    t.deepEqual(attributesOf(points[0]!["attributes"]), {
      "network.type": "ipv4",
      "network.transport": "tcp",
      "skep.direction": "outgoing",
      "skep.dst_domain": "api.example",
      "network.local.address": "10.0.0.1",
      "network.peer.address": "10.0.0.2",
      "network.peer.port": 443,
      "server.address": "api.example",
      "server.port": 443,
      "client.address": "10.0.0.1",
    });
    const rtt = curl.get("skep.netflow.rtt")!;
    t.is(rtt["unit"], "s");
    t.is(rtt["gauge"].dataPoints[0].asDouble, 0.0015);
    if (what !== "HTTP as JSON") t.is(read["sum"].aggregationTemporality, "AGGREGATION_TEMPORALITY_DELTA");
  });

  test(`log records and spans arrive over ${what}`, async (t) => {
    const { receiver, of } = await setUp(t, receive, options);
    await of("logs").export(
      [complete(bash.point(time, {}, { message: "77 bee ls", cmd: "ls -l", user: "bee", pid: "77" }))],
      { signal },
    );
    const { resourceLogs } = receiver.received[0]!.message;
    const [log] = resourceLogs[0].scopeLogs[0].logRecords as Message[];
    t.is(log!["body"].stringValue, "77 bee ls");
    t.is(log!["eventName"], "bash");
    t.is(BigInt(log!["timeUnixNano"]), time);
    t.deepEqual(attributesOf(log!["attributes"]), { "process.command_line": "ls -l", "user.name": "bee" });
    t.is(attributesOf(resourceLogs[0].resource.attributes)["process.pid"], 77);

    await of("traces").export([linked, unlinked], { signal });
    const { resourceSpans } = receiver.received[1]!.message;
    const found = resourceSpans.flatMap(({ scopeSpans }: Message) => scopeSpans[0].spans) as Message[];
    const hex = (id: unknown) => (typeof id === "string" ? id : Buffer.from(id as Uint8Array).toString("hex"));
    t.is(hex(found[0]!["traceId"]), "0af7651916cd43dd8448eb211c80319c");
    t.is(hex(found[0]!["spanId"]), "b7ad6b7169203331");
    t.is(hex(found[0]!["parentSpanId"]), "00f067aa0ba902b7");
    t.is(found[0]!["name"], "GET /a");
    t.is(BigInt(found[0]!["endTimeUnixNano"]) - BigInt(found[0]!["startTimeUnixNano"]), 2_500_000n);
    const attributes = attributesOf(found[0]!["attributes"]);
    t.like(attributes, {
      http_method: "GET",
      "http.request.method": "GET",
      "http.response.status_code": 503,
      req_seq: 17,
      thread_trace_id: "9007199254740993",
    });
    t.is(attributesOf(resourceSpans[0].resource.attributes)["service.name"], "shop");
    t.regex(hex(found[1]!["traceId"]), /^(?!0+$)[0-9a-f]{32}$/);
  });
}

const spanFields = {
  service: "shop",
  source_type: "ebpf",
  ebpf_span_type: "entry",
  span_type: "entry",
  direction: "incoming",
  req_seq: 17,
  resp_seq: 18,
  thread_trace_id: 9_007_199_254_740_993n,
  ktime: 5,
  start: Number(time / 1000n),
  duration: 2500,
  pid: "77",
  process_name: "node",
  thread_name: "node",
  src_ip: "10.0.0.1",
  src_port: "8080",
  dst_ip: "10.0.0.2",
  dst_port: "40000",
  bytes_read: 10,
  bytes_written: 20,
  resource: "GET /a",
  status: "error",
  http_method: "GET",
  http_status_code: "503",
} as const;
const unlinked = spanMeasurement.point(time, { service: "shop", host: "bee" }, spanFields);
const linked = spanMeasurement.point(
  time,
  { service: "shop", host: "bee" },
  {
    ...spanFields,
    span_id: "b7ad6b7169203331",
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    parent_id: "00f067aa0ba902b7",
    ebpf_trace_id: "0af7651916cd43dd8448eb211c80319c",
    ebpf_parent_id: "00f067aa0ba902b7",
  },
);

test("a span without ids gets the same ones each time it is sent, and another span others", async (t) => {
  const { receiver, of } = await setUp(t, httpReceiver);
  const other = { ...unlinked, fields: { ...unlinked.fields, ktime: 6 } };
  for (const point of [unlinked, unlinked, other]) await of("traces").export([point], { signal });
  const ids = receiver.received.map(({ message }) =>
    Buffer.from(message["resourceSpans"][0].scopeSpans[0].spans[0].spanId as Uint8Array).toString("hex"),
  );
  t.is(ids[0], ids[1]);
  t.not(ids[0], ids[2]);
});

test("the local end's pod is the resource, the peer's an attribute, and what says nothing is left out", async (t) => {
  const { receiver, of } = await setUp(t, httpReceiver);
  const point = complete(netflow.point(time, { ...outgoing, dst_domain: "" }, { bytes_read: 1 }));
  Object.assign(point.tags, {
    src_k8s_namespace: "shop",
    src_k8s_pod_name: "cart-0",
    src_k8s_deployment_name: "cart",
    src_k8s_service_name: "N/A",
  });
  await of("metrics").export([point], { signal });
  const [{ resource, scopeMetrics }] = receiver.received[0]!.message["resourceMetrics"];
  t.like(attributesOf(resource.attributes), {
    "k8s.namespace.name": "shop",
    "k8s.pod.name": "cart-0",
    "k8s.deployment.name": "cart",
    "k8s.service.name": undefined,
  });
  const attributes = attributesOf(scopeMetrics[0].metrics[0].sum.dataPoints[0].attributes);
  t.like(attributes, { "server.address": "10.0.0.2", "skep.dst_domain": undefined, "network.local.port": undefined });
});

test("HTTP and DNS times are the conventions' histograms, by the side observed, with the kind of an error", async (t) => {
  const { receiver, of } = await setUp(t, httpReceiver);
  const http = { count: 4, method: "GET", path: "/a", status_code: 200, latency: 2_000_000 };
  await of("metrics").export(
    [
      httpflow.point(time, outgoing, http),
      httpflow.point(time, { ...incoming, pid: "77", process_name: "curl" }, { ...http, status_code: 503 }),
      httpflow.point(time, outgoing, { ...http, status_code: 0, latency: 0 }),
      dnsflow.point(time, outgoing, { rcode: 3, count: 2, latency: 1_000_000, latency_max: 1_500_000 }),
      dnsflow.point(time, outgoing, { rcode: -1, count: 1, latency: 0, latency_max: 0 }),
    ],
    { signal },
  );
  const metrics = metricsOf(receiver.received[0]!.message["resourceMetrics"][0]);
  const client = metrics.get("http.client.request.duration")!;
  t.is(client["unit"], "s");
  t.is(client["histogram"].dataPoints.length, 1, "an exchange without response took no time");
  const [point] = client["histogram"].dataPoints as Message[];
  t.is(point!["count"], "4");
  t.true(Math.abs(point!["sum"] - 0.008) < 1e-12);
  t.deepEqual(point!["bucketCounts"], ["4"]);
  t.like(attributesOf(point!["attributes"]), {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.path": "/a",
    "server.address": "api.example",
    "server.port": 443,
    "network.protocol.name": "http",
    "error.type": undefined,
  });
  const [served] = metrics.get("http.server.request.duration")!["histogram"].dataPoints as Message[];
  t.like(attributesOf(served!["attributes"]), {
    "server.address": "10.0.0.1",
    "server.port": 8080,
    "error.type": "503",
  });
  const counts = metrics.get("skep.httpflow.count")!["sum"].dataPoints as Message[];
  t.deepEqual(
    counts.map(({ asInt }) => asInt),
    ["4", "4", "4"],
  );
  t.is(attributesOf(counts[2]!["attributes"])["error.type"], "no_response");
  const [dns, ...more] = metrics.get("dns.lookup.duration")!["histogram"].dataPoints as Message[];
  t.is(more.length, 0);
  t.is(dns!["max"], 0.0015);
  t.is(attributesOf(dns!["attributes"])["error.type"], "NXDOMAIN");
  const lookups = metrics.get("skep.dnsflow.count")!["sum"].dataPoints as Message[];
  t.is(attributesOf(lookups[1]!["attributes"])["error.type"], "timeout");
});

const failure = (t: ExecutionContext, exporting: unknown) => t.throwsAsync<ExportError>(exporting as Promise<void>);
const flow = complete(netflow.point(time, outgoing, { bytes_read: 1 }));

test("a final answer over HTTP is final, and quotes the status", async (t) => {
  const { receiver, of } = await setUp(t, httpReceiver);
  receiver.answers.push(400);
  const error = await failure(t, of("metrics").export([flow], { signal }));
  t.false(error.options.retryable);
  t.regex(error.message, /^127\.0\.0\.1:\d+ did not take it: 400/);
});

test("an answer that asks for another try gets one, after the time it names", async (t) => {
  const { receiver, of } = await setUp(t, httpReceiver);
  receiver.answers.push(503);
  receiver.answerHeaders = { "retry-after": "1" };
  const before = performance.now();
  await of("metrics").export([flow], { signal });
  t.true(performance.now() - before >= 950);
  t.is(receiver.received.length, 1);
});

test("an answer that asks for a try beyond the exporter's patience is core's to retry", async (t) => {
  const { receiver, of } = await setUp(t, httpReceiver);
  receiver.answers.push(429);
  receiver.answerHeaders = { "retry-after": "3600" };
  t.true((await failure(t, of("metrics").export([flow], { signal }))).options.retryable);
});

for (const [code, retryable] of [
  [status.INVALID_ARGUMENT, false],
  [status.UNAUTHENTICATED, false],
  [status.UNAVAILABLE, true],
  [status.RESOURCE_EXHAUSTED, true],
] as const) {
  test(`gRPC's ${status[code]} is ${retryable ? "worth another try" : "final"}`, async (t) => {
    const { receiver, of } = await setUp(t, grpcReceiver, { protocol: "grpc" });
    receiver.answers.push(code);
    t.is((await failure(t, of("metrics").export([flow], { signal }))).options.retryable, retryable);
    await of("metrics").export([flow], { signal });
    t.is(receiver.received.length, 1);
  });
}

test("headers go with every request, percent-decoded, over HTTP and gRPC", async (t) => {
  for (const [receive, protocol] of [
    [httpReceiver, "http/protobuf"],
    [grpcReceiver, "grpc"],
  ] as const) {
    const receiver = await receive();
    t.teardown(() => receiver.close());
    const config = otlpSection.config.parse({
      otlp_endpoint: receiver.url,
      otlp_protocol: protocol,
      otlp_headers: { authorization: "Bearer%20hunter2" },
    });
    const exporters = otlpFromConfig(config, { measurements, intervalMs: 10_000 });
    t.deepEqual(
      exporters.map(({ name }) => name),
      ["otlp metrics", "otlp logs", "otlp traces"],
    );
    await exporters[0]!.export([flow], { signal });
    t.is(receiver.received[0]!.headers["authorization"], "Bearer hunter2");
    for (const exporter of exporters) await exporter.close?.();
  }
});

test("without an endpoint there is no exporter, with one signal's own there is that one, as it stands", async (t) => {
  const none = otlpFromConfig(otlpSection.config.parse({}), { measurements, intervalMs: 10_000 });
  t.deepEqual(none, []);
  const receiver = await httpReceiver();
  t.teardown(() => receiver.close());
  const config = otlpSection.config.parse({ otlp_logs_endpoint: `${receiver.url}/elsewhere/logs` });
  const [only, ...others] = otlpFromConfig(config, { measurements, intervalMs: 10_000 });
  t.deepEqual(others, []);
  await only!.export([complete(bash.point(time, {}, { message: "m", cmd: "c", user: "u", pid: "1" }))], { signal });
  t.is(receiver.received.length, 1);
  t.throws(() => otlpExporters({ endpoint: "ftp://host", measurements }), { code: "SKEP_ERR_CONFIG" });
});
