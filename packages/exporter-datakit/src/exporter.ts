// SPDX-License-Identifier: MIT

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type AnyMeasurement, type Exporter, lineProtocol, type Point, SkepError } from "@skep/core";
import { encodePoints, floatsOf } from "./encode.js";
import { post } from "./post.js";
import { type Route, traceRoute, writeRoutes } from "./routes.js";

export interface DatakitOptions {
  /** Address of the server: `host:port` or an http(s) URL. */
  readonly server: string;
  /** Where spans go (`trace_server`). Without it spans are not exported. */
  readonly traceServer?: string;
  /** How points are written. Default `protobuf`. */
  readonly encoding?: "protobuf" | "line";
  /** Compress bodies. Default false. */
  readonly gzip?: boolean;
  /** Points per request. Default 512. */
  readonly batchPoints?: number;
  /** Declarations of what will be exported: a float that happens to be whole is then still written as one. */
  readonly measurements?: readonly AnyMeasurement[];
}

const compress = promisify(gzip);

/**
 * Exporters to a DataKit server: one for each route, so that a route that fails is tried again alone and nothing of another is sent
 * twice. Queues, retries and deadlines are core's.
 *
 * @throws SkepError `SKEP_ERR_CONFIG` for an address that is none
 */
export function datakitExporters(options: DatakitOptions): readonly Exporter[] {
  const server = baseUrl(options.server);
  const routes = writeRoutes.map((route) => exporterFor(route, server, options));
  if (options.traceServer === undefined) return routes;
  return [...routes, exporterFor(traceRoute, baseUrl(options.traceServer), options)];
}

function exporterFor(route: Route, server: URL, options: DatakitOptions): Exporter {
  const url = new URL(route.path, server);
  const body = bodyWriter(options);
  return {
    name: route.name,
    accepts: (point) => route.accepts(point),
    batchPoints: options.batchPoints ?? 512,
    async export(points, { signal }) {
      const { bytes, contentType } = body(points);
      const headers = { "content-type": contentType, ...(options.gzip && { "content-encoding": "gzip" }) };
      await post(url, options.gzip ? await compress(bytes) : bytes, headers, signal);
    },
  };
}

type BodyWriter = (points: readonly Point[]) => { readonly bytes: Uint8Array; readonly contentType: string };

function bodyWriter({ encoding = "protobuf", measurements = [] }: DatakitOptions): BodyWriter {
  if (encoding === "line") {
    return (points) => ({
      bytes: Buffer.from(points.map((point) => lineProtocol(point, measurements)).join("")),
      contentType: "application/line-protocol",
    });
  }
  const isFloat = floatsOf(measurements);
  return (points) => ({
    bytes: encodePoints(points, isFloat),
    contentType: "application/protobuf; proto=com.guance.Point",
  });
}

/** `host:port` is an http address, as the reference takes it. */
function baseUrl(address: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "") return url;
  throw new SkepError("SKEP_ERR_CONFIG", `"${address}" is no address of a DataKit server`, {
    hint: "write host:port or http(s)://host:port",
  });
}
