// SPDX-License-Identifier: MIT

import { defineSection } from "@skep/core";
import { z } from "zod";

/** The three kinds of telemetry. */
export const signals = ["metrics", "logs", "traces"] as const;
export type Signal = (typeof signals)[number];

export const protocols = ["http/protobuf", "http/json", "grpc"] as const;

const isUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
const isEndpoint = (text: string): boolean => text === "" || isUrl(text) || /^[^\s/:]+:\d+$/.test(text);
const endpoint = (description: string, example: string) =>
  z
    .string()
    .refine(isEndpoint, 'is no URL such as "http://127.0.0.1:4318"')
    .default("")
    .meta({ description, examples: [example] });

const schema = z.strictObject({
  otlp_endpoint: endpoint(
    "OpenTelemetry collector; over HTTP `/v1/metrics`, `/v1/logs` and `/v1/traces` are added; nothing: none",
    "http://127.0.0.1:4318",
  ),
  otlp_protocol: z.enum(protocols).default("http/protobuf").describe("`http/protobuf`, `http/json` or `grpc`"),
  otlp_headers: z
    .record(z.string(), z.string())
    .default({})
    .meta({
      description: "headers (gRPC: metadata) of every request, such as authorization; values may be percent-encoded",
      examples: [{ authorization: "Bearer%20TOKEN" }],
      writeOnly: true,
    }),
  otlp_compression: z.enum(["none", "gzip"]).default("none").describe("`none` or `gzip`"),
  otlp_signals: z
    .array(z.enum(signals))
    .default([...signals])
    .describe("what is sent: points of category network are metrics, of logging logs, of tracing traces"),
  otlp_metrics_endpoint: endpoint("where metrics go instead; the URL as it stands", "http://127.0.0.1:4318/v1/metrics"),
  otlp_logs_endpoint: endpoint("where logs go instead; the URL as it stands", "http://127.0.0.1:4318/v1/logs"),
  otlp_traces_endpoint: endpoint("where traces go instead; the URL as it stands", "http://127.0.0.1:4318/v1/traces"),
});

/** Keys of the configuration that belong to this exporter, and OpenTelemetry's own variables for them. */
export const otlpSection = defineSection({
  name: "otlp",
  description: "points to an OpenTelemetry collector",
  config: schema,
  env: {
    OTEL_EXPORTER_OTLP_ENDPOINT: "otlp_endpoint",
    OTEL_EXPORTER_OTLP_PROTOCOL: "otlp_protocol",
    OTEL_EXPORTER_OTLP_HEADERS: "otlp_headers",
    OTEL_EXPORTER_OTLP_COMPRESSION: "otlp_compression",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "otlp_metrics_endpoint",
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "otlp_logs_endpoint",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "otlp_traces_endpoint",
  },
});

export type OtlpConfig = z.output<typeof schema>;
