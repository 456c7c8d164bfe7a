// SPDX-License-Identifier: MIT

import { type AnyMeasurement, type Category, type Exporter, type Point, SkepError } from "@skep/core";
import { type Signal, signals } from "./config.js";
import { logRecords } from "./logs.js";
import { MetricRequests } from "./metrics.js";
import { createSender, type Protocol } from "./sender.js";
import { type RequestOf, signalNames } from "./serializers.js";
import { spans } from "./spans.js";

export interface OtlpOptions {
  /** The collector: a URL; over HTTP `/v1/<signal>` is added. */
  readonly endpoint?: string;
  /** Where a signal goes instead, the URL as it stands. */
  readonly endpoints?: Partial<Readonly<Record<Signal, string>>>;
  /** Default `http/protobuf`. */
  readonly protocol?: Protocol;
  /** Headers (gRPC: metadata) of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`. */
  readonly compression?: "none" | "gzip";
  /** Default: all that have somewhere to go. */
  readonly signals?: readonly Signal[];
  /** Declarations of what will be exported: names, units, and which fields add up. */
  readonly measurements: readonly AnyMeasurement[];
  /** The time a point of a metric stands for, milliseconds. Default 60,000. */
  readonly intervalMs?: number;
  /** Points per request. Default 512. */
  readonly batchPoints?: number;
}

const categories: Readonly<Record<Signal, Category>> = { metrics: "network", logs: "logging", traces: "tracing" };

/**
 * Exporters to an OpenTelemetry collector: one for each signal, so that one that fails is tried again alone. Queues, retries and
 * deadlines are core's.
 * @throws SkepError `SKEP_ERR_CONFIG` for an endpoint that is none
 */
export function otlpExporters(options: OtlpOptions): readonly Exporter[] {
  const metrics = new MetricRequests(options.measurements, BigInt(options.intervalMs ?? 60_000) * 1_000_000n);
  const requests: { readonly [S in Signal]: (points: readonly Point[]) => RequestOf[S] } = {
    metrics: (points) => metrics.of(points),
    logs: (points) => logRecords(points, options.measurements),
    traces: (points) => spans(points),
  };
  const wanted = options.signals ?? signals;
  return wanted.flatMap((signal) => {
    const url = urlFor(signal, options);
    return url === undefined ? [] : [exporterFor(signal, url, requests[signal] as never, options)];
  });
}

function exporterFor<S extends Signal>(
  signal: S,
  url: string,
  request: (points: readonly Point[]) => RequestOf[S],
  { protocol = "http/protobuf", headers = {}, compression = "none", batchPoints = 512 }: OtlpOptions,
): Exporter {
  const sender = createSender(signal, { url, protocol, headers, compression });
  return {
    name: `otlp ${signal}`,
    accepts: ({ category }) => category === categories[signal],
    batchPoints,
    export: (points) => sender.send(request(points)),
    close: () => sender.close(),
  };
}

/** @throws SkepError `SKEP_ERR_CONFIG` */
function urlFor(signal: Signal, { endpoint, endpoints = {}, protocol }: OtlpOptions): string | undefined {
  const text = endpoints[signal] ?? endpoint;
  if (text === undefined) return undefined;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new SkepError("SKEP_ERR_CONFIG", "the OTLP endpoint is no http(s) URL", { hint: "write http://host:4318" });
  }
  if (protocol === "grpc" || endpoints[signal] !== undefined) return url;
  return `${url.replace(/\/+$/, "")}/${signalNames(signal).path}`;
}
