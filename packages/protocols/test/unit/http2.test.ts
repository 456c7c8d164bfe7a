// SPDX-License-Identifier: MIT

import { once } from "node:events";
import http2 from "node:http2";
import { duplexPair } from "./support/duplex-pair.js";
import test from "ava";
import {
  Budget,
  Conversation,
  type Exchange,
  Http2Connection,
  HTTP2_PREFACE,
  Side,
  WantedHeaders,
} from "../../src/index.js";

const HEADERS = 1;
const FRAME_HEAD = 9;

/** Where in one direction the first frame with headers of a stream begins, and where it ends. */
function headersOf(bytes: Buffer, stream: number, from: number): { readonly at: number; readonly end: number } {
  for (let at = from; at + FRAME_HEAD <= bytes.length;) {
    const end = at + FRAME_HEAD + bytes.readUIntBE(at, 3);
    if (bytes[at + 3] === HEADERS && bytes.readUInt32BE(at + 5) === stream) return { at, end };
    at = end;
  }
  throw new Error(`no headers of stream ${stream}`);
}

test("HTTP/2: calls begin with the frames that carry their headers, wanted ones are kept, and gRPC says how it ended", async (t) => {
  const { client: clientSide, server: serverSide, said } = duplexPair();
  const server = http2.createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/grpc", trailer: "grpc-status" });
    response.addTrailers({ "grpc-status": "5", "grpc-message": "not%20there" });
    request.resume().on("end", () => response.end("x".repeat(40_000)));
  });
  server.emit("connection", serverSide);
  const client = http2.connect("http://x", { createConnection: () => clientSide });
  const ask = async (path: string): Promise<void> => {
    const request = client.request({
      ":path": path,
      ":method": "POST",
      TraceParent: path,
      cookie: "secret",
      "x-long": "y".repeat(2000),
    });
    request.end("z".repeat(30_000));
    request.resume();
    await once(request, "close");
  };
  await Promise.all([ask("/1"), ask("/2"), ask("/3")]);
  client.destroy();
  server.close();

  const told: Exchange[] = [];
  const sink = { told: (exchange: Exchange) => void told.push(exchange), lost: () => t.fail() };
  const wanted = new WantedHeaders(["traceparent"]);
  const conversation = new Conversation({
    readSeq: 0,
    writtenSeq: 0,
    budget: new Budget(1 << 20),
    opening: { side: Side.REQUESTS, decoder: new Http2Connection(sink, { prefaceLeft: HTTP2_PREFACE.length, wanted }) },
  });
  const next = [0, 0];
  for (const { isClient, bytes } of said) {
    for (let at = 0; at < bytes.length; at += 1400) {
      const piece = bytes.subarray(at, at + 1400);
      const own = isClient ? 0 : 1;
      conversation.add(!isClient, next[own]!, piece.length, { bytes: piece, timeNs: 1 }, 0, piece.length);
      next[own]! += piece.length;
    }
  }
  const all = (ofClient: boolean) =>
    Buffer.concat(said.filter(({ isClient }) => isClient === ofClient).map(({ bytes }) => bytes));
  t.is(told.length, 3);
  for (const exchange of told) {
    const path = exchange.request.target;
    const stream = 2 * Number(path.slice(1)) - 1;
    const request = headersOf(all(true), stream, HTTP2_PREFACE.length);
    const response = headersOf(all(false), stream, 0);
    t.is(exchange.requestAt, request.at);
    t.is(exchange.requestHeadEnd, request.end);
    t.true(exchange.requestEnd >= request.end + 30_000);
    t.is(exchange.responseAt, response.at);
    t.deepEqual([...exchange.headers], [["traceparent", path]]);
    t.is(exchange.contentType, "application/grpc");
    t.is(exchange.grpcStatus, "5");
    t.is(exchange.grpcMessage, "not%20there");
  }
});
