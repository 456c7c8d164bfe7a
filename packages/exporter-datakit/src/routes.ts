// SPDX-License-Identifier: MIT

import { type Category, isLinkedSpan, type Point } from "@skep/core";

/** Where on the server points go, and under which name of a collector. */
export interface Route {
  /** Of the exporter, for logs and status. */
  readonly name: string;
  readonly path: string;
  accepts(point: Point): boolean;
}

const writePath = (category: Category, input: string): string =>
  `/v1/write/${category}?input=${encodeURIComponent(input)}`;

/** Measurement -> the collector's name that dashboards and pipelines of DataKit know. */
const inputs: Readonly<Record<string, string>> = {
  netflow: "ebpf-net/netflow",
  httpflow: "ebpf-net/httpflow",
  dnsflow: "ebpf-net/dnsflow",
  bash: "ebpf-bash",
};

const known = Object.entries(inputs).map(([measurement, input]): Route => ({
  name: `datakit ${measurement}`,
  path: writePath(measurement === "bash" ? "logging" : "network", input),
  accepts: (point) => point.measurement === measurement,
}));

/** Measurements of third parties, by their category alone. */
const others = (["network", "logging"] as const).map((category): Route => ({
  name: `datakit other ${category}`,
  path: writePath(category, `skep/${category}`),
  accepts: (point) => point.category === category && !Object.hasOwn(inputs, point.measurement),
}));

/** Spans that a linker has tied into traces. */
const traces: Route = {
  name: "datakit tracing",
  path: writePath("tracing", "ebpf-tracing"),
  accepts: isLinkedSpan,
};

/** Every route of measurements, logs and traces; each point has exactly one. */
export const writeRoutes: readonly Route[] = [...known, ...others, traces];

/** Spans without a trace go to a linker. */
export const traceRoute: Route = {
  name: "datakit bpftracing",
  path: "/v1/bpftracing",
  accepts: (point) => point.category === "tracing" && !isLinkedSpan(point),
};
