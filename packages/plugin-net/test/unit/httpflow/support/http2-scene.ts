// SPDX-License-Identifier: MIT

import { once } from "node:events";
import http2 from "node:http2";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Captured, type Written } from "./captured.js";

/** A request to make, and how the server is to answer it. */
export interface Http2Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly status: number;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  readonly responseBody?: Buffer;
  readonly trailers?: Readonly<Record<string, string>>;
  /** 103 comes first. */
  readonly interim?: boolean;
  /** The server resets the stream instead of answering. */
  readonly isReset?: boolean;
}

export interface Http2Options {
  /** SETTINGS_HEADER_TABLE_SIZE of both ends. */
  readonly headerTableSize?: number;
  readonly maxFrameSize?: number;
  /** Padding of both ends. */
  readonly paddingStrategy?: number;
}

/** What node:http2 really writes for these exchanges, all of them under way at once. */
export async function speakHttp2(
  exchanges: readonly Http2Exchange[],
  { headerTableSize, maxFrameSize, paddingStrategy }: Http2Options = {},
): Promise<readonly Written[]> {
  const connection = new Captured();
  const settings = { ...(headerTableSize !== undefined && { headerTableSize }), ...(maxFrameSize && { maxFrameSize }) };
  const options = { settings, ...(paddingStrategy !== undefined && { paddingStrategy }) };
  const server = http2.createServer(options);
  server.on("stream", (stream, headers) => answer(stream, exchanges[Number(headers["x-number"])]!));
  server.on("sessionError", () => {});
  server.emit("connection", connection.server);
  const session = http2.connect("http://peer.test", { ...options, createConnection: () => connection.client });
  await once(session, "connect");
  await Promise.all(exchanges.map((exchange, number) => ask(session, exchange, number)));
  session.close();
  await once(session, "close");
  await nextTurn();
  return connection.written;
}

function answer(stream: http2.ServerHttp2Stream, exchange: Http2Exchange): void {
  stream.on("error", () => {});
  stream.resume();
  stream.on("end", () => {
    if (exchange.isReset) return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    if (exchange.interim) stream.additionalHeaders({ ":status": 103, link: "</style.css>" });
    stream.respond(
      { ":status": exchange.status, ...exchange.responseHeaders },
      { waitForTrailers: exchange.trailers !== undefined },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ ...exchange.trailers }));
    stream.end(exchange.responseBody);
  });
}

async function ask(session: http2.ClientHttp2Session, exchange: Http2Exchange, number: number): Promise<void> {
  const { method, path, headers, body } = exchange;
  const stream = session.request(
    { ":method": method, ":path": path, "x-number": String(number), ...headers },
    { endStream: body === undefined },
  );
  stream.on("error", () => {});
  stream.resume();
  if (body !== undefined) stream.end(body);
  await new Promise((closed) => stream.on("close", closed));
}
