// SPDX-License-Identifier: MIT

import {
  type IExporterMetricsHelper,
  type ISerializer,
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  LogsExporterMetricsHelper,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from "@opentelemetry/otlp-transformer";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { Signal } from "./config.js";

/** What one request of a signal is made of. */
export interface RequestOf {
  readonly metrics: ResourceMetrics[];
  readonly logs: ReadableLogRecord[];
  readonly traces: ReadableSpan[];
}

type Serializer<S extends Signal> = ISerializer<RequestOf[S], unknown>;

/**
 * The official serializer makes a request of the metrics of one resource; we have one for each process. A protobuf message with
 * repeated members is the concatenation of its parts, so requests of one resource each, one behind the other, are a request of all.
 */
const protobufMetrics: Serializer<"metrics"> = {
  serializeRequest: (all) =>
    Buffer.concat(all.map((one) => ProtobufMetricsSerializer.serializeRequest(one) ?? Buffer.of())),
  deserializeResponse: (data) => ProtobufMetricsSerializer.deserializeResponse(data),
};

const jsonMetrics: Serializer<"metrics"> = {
  serializeRequest(all) {
    const resourceMetrics = all.flatMap((one) => {
      const text = Buffer.from(JsonMetricsSerializer.serializeRequest(one) ?? Buffer.from("{}")).toString();
      return (JSON.parse(text) as { resourceMetrics?: unknown[] }).resourceMetrics ?? [];
    });
    return Buffer.from(JSON.stringify({ resourceMetrics }));
  },
  deserializeResponse: (data) => JsonMetricsSerializer.deserializeResponse(data),
};

const serializers: { readonly [S in Signal]: Readonly<Record<"protobuf" | "json", Serializer<S>>> } = {
  metrics: { protobuf: protobufMetrics, json: jsonMetrics },
  logs: { protobuf: ProtobufLogsSerializer, json: JsonLogsSerializer },
  traces: { protobuf: ProtobufTraceSerializer, json: JsonTraceSerializer },
};

export const serializerOf = <S extends Signal>(signal: S, encoding: "protobuf" | "json"): Serializer<S> =>
  serializers[signal][encoding];

/** How OTLP calls a signal in its various places. */
interface SignalNames<S extends Signal> {
  /** In `OTEL_EXPORTER_OTLP_<VARIABLE>_...`. */
  readonly variable: string;
  readonly path: string;
  readonly service: string;
  readonly rpcPath: string;
  readonly helper: IExporterMetricsHelper<RequestOf[S]>;
}

const rpc = (of: string, name: string) => ({
  service: `${name}ExportService`,
  rpcPath: `/opentelemetry.proto.collector.${of}.v1.${name}Service/Export`,
});

const names: { readonly [S in Signal]: SignalNames<S> } = {
  metrics: {
    variable: "METRICS",
    path: "v1/metrics",
    ...rpc("metrics", "Metrics"),
    helper: { name: "metric_data_point", countItems: (all) => all.length },
  },
  logs: { variable: "LOGS", path: "v1/logs", ...rpc("logs", "Logs"), helper: LogsExporterMetricsHelper },
  traces: { variable: "TRACES", path: "v1/traces", ...rpc("trace", "Trace"), helper: TraceExporterMetricsHelper },
};

export const signalNames = <S extends Signal>(signal: S): SignalNames<S> => names[signal];
