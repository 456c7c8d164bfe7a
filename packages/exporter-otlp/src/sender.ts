// SPDX-License-Identifier: MIT

import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { type CompressionAlgorithm, type IOtlpExportDelegate } from "@opentelemetry/otlp-exporter-base";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import {
  convertLegacyOtlpGrpcOptions,
  createEmptyMetadata,
  createOtlpGrpcExportDelegate,
} from "@opentelemetry/otlp-grpc-exporter-base";
import { ExportError } from "@skep/core";
import type { Signal } from "./config.js";
import { type RequestOf, serializerOf, signalNames } from "./serializers.js";

export type Protocol = "http/protobuf" | "http/json" | "grpc";

export interface SenderOptions {
  /** Where this signal goes: the whole URL; for gRPC scheme, host and port. */
  readonly url: string;
  readonly protocol: Protocol;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "none" | "gzip";
}

/** Sends requests of one signal. */
export interface Sender<S extends Signal> {
  /** @throws ExportError retryable when the collector could not be reached or asks for another try */
  send(request: RequestOf[S]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Sends by the transports of the official exporters: proxies, certificates (`OTEL_EXPORTER_OTLP_CERTIFICATE` and its like) and the
 * timeout (`OTEL_EXPORTER_OTLP_TIMEOUT`) are as everywhere in OpenTelemetry.
 */
export function createSender<S extends Signal>(signal: S, options: SenderOptions): Sender<S> {
  const delegate = options.protocol === "grpc" ? grpcDelegate(signal, options) : httpDelegate(signal, options);
  return {
    async send(request) {
      const result = await new Promise<ExportResult>((resolve) => delegate.export(request, resolve));
      if (result.code !== ExportResultCode.SUCCESS) throw exportError(options, result.error);
    },
    close: () => delegate.shutdown(),
  };
}

function httpDelegate<S extends Signal>(signal: S, options: SenderOptions): IOtlpExportDelegate<RequestOf[S]> {
  const { url, headers, protocol } = options;
  const { variable, path, helper } = signalNames(signal);
  const encoding = protocol === "http/json" ? "json" : "protobuf";
  const contentType = encoding === "json" ? "application/json" : "application/x-protobuf";
  const compression = options.compression as CompressionAlgorithm;
  const http = convertLegacyHttpOptions({ url, headers: { ...headers }, compression }, variable, path, {
    "Content-Type": contentType,
  });
  return createOtlpHttpExportDelegate(http, serializerOf(signal, encoding), "otlp_http", helper, undefined);
}

function grpcDelegate<S extends Signal>(signal: S, options: SenderOptions): IOtlpExportDelegate<RequestOf[S]> {
  const { variable, service, rpcPath, helper } = signalNames(signal);
  const metadata = createEmptyMetadata();
  for (const [name, value] of Object.entries(options.headers)) metadata.set(name, value);
  const compression = options.compression as CompressionAlgorithm;
  const grpc = convertLegacyOtlpGrpcOptions({ url: options.url, metadata, compression }, variable);
  const serializer = serializerOf(signal, "protobuf");
  return createOtlpGrpcExportDelegate(grpc, serializer, "otlp_grpc", helper, undefined, service, rpcPath);
}

/** gRPC codes after which OTLP allows another try: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const retryableCodes: ReadonlySet<number> = new Set([1, 4, 8, 10, 11, 14, 15]);

/** The transports tell a final answer by its code; without one it was the network, or an answer that allows another try. */
function exportError({ url, protocol }: SenderOptions, error: Error | undefined): ExportError {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const isFinal = typeof code === "number" && (protocol === "grpc" ? !retryableCodes.has(code) : true);
  const { host } = new URL(url);
  const what = [typeof code === "number" ? code : undefined, error?.message].filter(Boolean).join(" ");
  return new ExportError(`${host} did not take it: ${what || "unknown"}`, { retryable: !isFinal, cause: error });
}
