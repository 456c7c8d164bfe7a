// SPDX-License-Identifier: MIT

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, type Point, SkepError, systemClock } from "@skep/core";
import { decodePoints, splitPoints } from "@skep/exporter-datakit";
import type { Linker, Receipt } from "../linker.js";
import { bodyOf, HttpError } from "./body.js";
import { parseLineProtocol } from "./line-protocol.js";
import { otlpAnswer, otlpSpans } from "./otlp.js";

export interface ServeOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 9529; 0 takes a free one. */
  readonly port?: number;
  /** Longest body, packed or not, bytes. Default 32 MiB. */
  readonly maxBody?: number;
}

/** Where agents reach a linker. */
export interface LinkerServer {
  readonly host: string;
  readonly port: number;
  /** Answers what is under way, then stops. The linker stays the caller's. */
  close(): Promise<void>;
}

interface Answer {
  readonly contentType?: string;
  readonly body?: Buffer;
}
type Handler = (request: IncomingMessage, body: Buffer) => Answer;

/** Seconds after which a sender that found no room may come again. */
const RETRY_AFTER = "5";

/**
 * Receives spans over HTTP:
 *
 * * `POST /v1/bpftracing`: points as `datakit-ebpf` and @skep/exporter-datakit send them, protobuf or line protocol.
 * * `POST /v1/traces`: OTLP, protobuf or JSON.
 * * `GET /status`: the linker's counts, as JSON.
 *
 * 200 means that the spans are in the store. 429 (no room) and 503 (the store fails) mean that none is, and that sending them again
 * can help; other answers, that it cannot.
 *
 * @throws SkepError `SKEP_ERR_CONFIG` when the address cannot be used
 */
export async function serveLinker(linker: Linker, options: ServeOptions = {}): Promise<LinkerServer> {
  const { host = "127.0.0.1", port = 9529, maxBody = 32 * 1024 * 1024 } = options;
  const posts: Readonly<Record<string, Handler>> = {
    "/v1/bpftracing": (request, body) => takePoints(linker, request, body),
    "/v1/traces": (request, body) => takeOtlp(linker, request, body),
  };
  const server = createServer((request, response) => {
    void answer(request, response, async (path) => {
      if (path === "/status" && request.method === "GET") {
        return { contentType: "application/json", body: Buffer.from(JSON.stringify(linker.status())) };
      }
      const handler = Object.hasOwn(posts, path) ? posts[path]! : undefined;
      if (handler === undefined) throw new HttpError(404, `nothing is at ${path}`);
      if (request.method !== "POST") throw new HttpError(405, "only POST", { allow: "POST" });
      return handler(request, await bodyOf(request, maxBody));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((cause: unknown) => {
    throw new SkepError("SKEP_ERR_CONFIG", `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  serve: (path: string) => Promise<Answer>,
): Promise<void> {
  try {
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const { contentType, body } = await serve(path);
    response.writeHead(200, {
      ...(contentType && { "content-type": contentType }),
      "content-length": body?.length ?? 0,
    });
    response.end(body);
  } catch (error) {
    const { status, message, headers } = httpErrorOf(error);
    request.resume(); // what is left of the body
    if (response.headersSent) return void response.destroy();
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers });
    response.end(`${message}\n`);
  }
}

function httpErrorOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (!(error instanceof SkepError)) return new HttpError(500, messageOf(error));
  const full = error.code === "SKEP_ERR_LINKER_FULL";
  return new HttpError(full ? 429 : 503, error.message, { "retry-after": RETRY_AFTER });
}

function takePoints(linker: Linker, request: IncomingMessage, body: Buffer): Answer {
  const protobuf = contentTypeOf(request).includes("protobuf");
  const points = parsed(() =>
    protobuf
      ? decodePoints(body, "tracing")
      : parseLineProtocol(body.toString("utf8"), "tracing", systemClock.unixNs()),
  );
  if (points.length === 0) throw new HttpError(400, "no points");
  const receipt = linker.receive(points, protobuf ? splitPoints(body) : undefined);
  if (receipt.invalid === points.length) throw new HttpError(400, reasonOf(receipt));
  return {};
}

function takeOtlp(linker: Linker, request: IncomingMessage, body: Buffer): Answer {
  const contentType = contentTypeOf(request);
  const encoding = contentType === "application/json" ? "json" : "protobuf";
  if (encoding === "protobuf" && contentType !== "application/x-protobuf") {
    throw new HttpError(415, "OTLP is application/x-protobuf or application/json");
  }
  const points: readonly Point[] = parsed(() => otlpSpans(body, encoding));
  const { invalid } = linker.receive(points);
  return { contentType, body: otlpAnswer(invalid, encoding) };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new HttpError(400, `the body does not parse: ${messageOf(error)}`);
  }
}

const contentTypeOf = ({ headers }: IncomingMessage): string =>
  (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();

const reasonOf = ({ invalid }: Receipt): string =>
  `${invalid} points are no spans: they want direction, ebpf_span_type, req_seq, resp_seq and thread_trace_id`;
