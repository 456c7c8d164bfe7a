// SPDX-License-Identifier: MIT

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type AnyMeasurement, type Exporter, lineProtocol, type Point } from "@skep/core";
import { type Address, parseAddress } from "./address.js";
import { encodePoints, floatsOf } from "./encode.js";
import { post } from "./post.js";
import { type Route, traceRoute, writeRoutes } from "./routes.js";

export interface DatakitOptions {
  /** Address of the server: `host:port` or an http(s) URL. Without it only spans are exported. */
  readonly server?: string;
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
  const to = (address: string | undefined, routes: readonly Route[]) => {
    if (address === undefined) return [];
    const server = parseAddress(address);
    return routes.map((route) => exporterFor(route, server, options));
  };
  return [...to(options.server, writeRoutes), ...to(options.traceServer, [traceRoute])];
}

function exporterFor(route: Route, server: Address, options: DatakitOptions): Exporter {
  const url = new URL(route.path, server.base);
  const body = bodyWriter(options);
  return {
    name: route.name,
    accepts: (point) => route.accepts(point),
    batchPoints: options.batchPoints ?? 512,
    async export(points, { signal }) {
      const { bytes, contentType } = body(points);
      const headers = {
        ...server.headers,
        "content-type": contentType,
        ...(options.gzip && { "content-encoding": "gzip" }),
      };
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
