// SPDX-License-Identifier: MIT

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type AnyMeasurement, type Exporter, SkepError } from "@skep/core";
import { Counter, Registry } from "prom-client";
import { registerAgentMetrics } from "./agent-metrics.js";
import { MeasurementMetrics } from "./metrics.js";

export interface PrometheusOptions {
  /** Declarations of what will be exported. Points of other measurements are counted in `skep_exporter_unknown_points_total`. */
  readonly measurements: readonly AnyMeasurement[];
  /** Where `/metrics` is served. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 9435; 0: any free port, see {@link PrometheusExporter.address}. */
  readonly port?: number;
  /** Most label sets of one measurement; more share a series whose labels say `overflow`. Default 10,000. */
  readonly maxSeries?: number;
  /** A series that no point had for so long is removed, milliseconds. Default 10 minutes. */
  readonly staleMs?: number;
  /** Tags that do not become labels. Default `pid`, which makes a series of each process. */
  readonly without?: readonly string[];
}

export interface PrometheusExporter extends Exporter {
  readonly registry: Registry;
  /** Begins to serve. Called by the first export; calling it at start shows the endpoint before there are points. */
  listen(): Promise<void>;
  /** `http://host:port/metrics`, once it listens. */
  readonly address: string | undefined;
}

/** Serves what is exported at `/metrics`, in the text format of Prometheus or OpenMetrics. */
export function prometheusExporter(options: PrometheusOptions): PrometheusExporter {
  const { host = "127.0.0.1", port = 9435, maxSeries = 10_000, staleMs = 600_000, without = ["pid"] } = options;
  const registry = new Registry();
  const limits = { registry, without: new Set(without), maxSeries, staleMs };
  const metrics = new Map(options.measurements.map((one) => [one.name, new MeasurementMetrics(one, limits)]));
  const overflow = new Counter({
    name: "skep_exporter_overflow_points_total",
    help: "points that found no room among the series of their measurement",
    labelNames: ["measurement"],
    registers: [registry],
  });
  const unknown = new Counter({
    name: "skep_exporter_unknown_points_total",
    help: "points of measurements that were not declared",
    labelNames: ["measurement"],
    registers: [registry],
  });
  let server: Server | undefined;
  let listening: Promise<void> | undefined;

  const listen = async (): Promise<void> => {
    server = serve(registry);
    server.listen(port, host);
    try {
      await once(server, "listening");
    } catch (cause) {
      listening = undefined;
      throw new SkepError(
        "SKEP_ERR_EXPORT",
        `/metrics cannot be served at ${host}:${port}: ${(cause as Error).message}`,
        {
          cause,
          hint: "choose a free port",
        },
      );
    }
  };
  return {
    name: "prometheus",
    spool: false,
    registry,
    listen: () => (listening ??= listen()),
    get address() {
      const at = server?.address() as AddressInfo | null | undefined;
      return at ? `http://${at.address.includes(":") ? `[${at.address}]` : at.address}:${at.port}/metrics` : undefined;
    },
    observeAgent: (agent) => registerAgentMetrics(registry, agent),
    async export(points) {
      await (listening ??= listen());
      const now = Date.now();
      for (const one of metrics.values()) one.labels.forgetStale(now);
      for (const point of points) {
        const { measurement } = point;
        const its = metrics.get(measurement);
        if (its === undefined) unknown.inc({ measurement });
        else if (!its.add(point, now)) overflow.inc({ measurement });
      }
    },
    async close() {
      server?.closeAllConnections();
      await new Promise((resolve) => (server?.listening ? server.close(resolve) : resolve(undefined)));
    },
  };
}

function serve(registry: Registry): Server {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname !== "/metrics") return void response.writeHead(404).end("/metrics is what there is\n");
    if (request.method !== "GET" && request.method !== "HEAD") return void response.writeHead(405).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}
