// SPDX-License-Identifier: MIT

import type { CallSink, Decoder, Passage, Side, Turn } from "../../decoder.js";
import { Exchange } from "../exchange.js";
import type { RequestParts } from "../request-line.js";
import { type Headers, NO_HEADERS, WantedHeaders } from "../wanted-headers.js";
import { type Fields, Http2Direction } from "./direction.js";
import type { HeaderBlock } from "./header-block.js";

/** Streams that are followed at once; servers allow a few hundred. */
const MOST_STREAMS = 4096;
/** What a stream costs beside its path. */
const STREAM_BYTES = 256;
/** Longest value that is kept of a method, status or content type. */
const LONGEST_VALUE = 256;
/** Longest message of a gRPC status that is kept. */
const LONGEST_MESSAGE = 1024;
/** Longest path that may be configured. */
const LONGEST_TARGET = 8192 + 512;
/** The stream on which an upgraded request is answered. */
const UPGRADED_STREAM = 1;

/** Where a connection stands when it is taken over. */
export interface Http2Start {
  /** Bytes of the client's preface that are still to come. */
  readonly prefaceLeft: number;
  /** The exchange of HTTP/1.1 that asked for HTTP/2, whose response is yet to come. */
  readonly upgraded?: Exchange;
  /** Request headers whose values are kept; none when absent. */
  readonly wanted?: WantedHeaders;
}

/**
 * HTTP/2. Each stream a client opens is an exchange; what a server pushes was asked by nobody and is none. Headers are
 * compressed against all headers before them, so a hole anywhere but in a body is the end of it.
 */
export class Http2Connection implements Decoder {
  turn: Turn | undefined;
  readonly #wanted: WantedHeaders;
  readonly #directions: readonly [Http2Direction, Http2Direction];
  readonly #streams = new Map<number, Exchange>();
  /** Bytes of what is kept of the streams. */
  #streamBytes = 0;
  /** Highest stream the client has opened. */
  #highest = 0;

  constructor(
    private readonly sink: CallSink<Exchange>,
    { prefaceLeft, upgraded, wanted = WantedHeaders.NONE }: Http2Start,
  ) {
    this.#wanted = wanted;
    this.#directions = [
      new Http2Direction(
        {
          isDue: () => true,
          headers: (block, fields, timeNs, end) => this.#requestHeaders(block, fields, timeNs, end),
          passed: (stream, bytes, timeNs, end) => this.#streams.get(stream)?.asked(bytes, timeNs, end),
          ended: (stream) => this.#requestEnded(stream),
          reset: (stream) => this.#reset(stream),
        },
        prefaceLeft,
        wanted,
      ),
      new Http2Direction(
        {
          isDue: (stream) => stream <= this.#highest || stream % 2 === 0,
          headers: (block, fields, timeNs) => this.#responseHeaders(block, fields, timeNs),
          passed: (stream, bytes, timeNs) => this.#streams.get(stream)?.answered(bytes, timeNs),
          ended: (stream) => this.#responseEnded(stream),
          reset: (stream) => this.#reset(stream),
        },
        0,
        WantedHeaders.NONE,
      ),
    ];
    if (upgraded === undefined) return;
    upgraded.isRequestOver = true;
    this.#open(UPGRADED_STREAM, upgraded);
  }

  get size(): number {
    return this.#directions[0].size + this.#directions[1].size + this.#streamBytes;
  }

  /** It stays with us: the state of its header compression can be handed to nobody. */
  get isAtRest(): boolean {
    return false;
  }

  body(side: Side): number {
    return this.#directions[side].body;
  }

  indifferent(side: Side): number {
    return this.#directions[side].body;
  }

  take(side: Side, passage: Passage, from: number, to: number): number {
    const direction = this.#directions[side];
    const took = direction.take(passage, from, to);
    if (direction.isBroken) this.lose();
    return took;
  }

  miss(side: Side, length: number, timeNs: number): void {
    this.#directions[side].miss(Math.min(length, this.body(side)), timeNs);
  }

  lose(): void {
    if (this.turn !== undefined) return;
    const lost = [...this.#streams.values()].filter((exchange) => !exchange.hasResponse).length;
    for (const exchange of this.#streams.values()) if (exchange.hasResponse) this.sink.told(exchange);
    if (lost > 0) this.sink.lost(lost);
    this.#forgetAll();
    this.turn = { to: "undecodable" };
  }

  close(): void {
    for (const exchange of this.#streams.values()) this.sink.told(exchange);
    this.#forgetAll();
  }

  tellProgress(): void {
    for (const exchange of this.#streams.values()) {
      if (!exchange.hasResponse) continue;
      this.sink.told(exchange);
      exchange.wasTold();
    }
  }

  #requestHeaders({ stream, bytes, beganNs, beganAt }: HeaderBlock, fields: Fields, timeNs: number, end: number): void {
    let exchange = this.#streams.get(stream);
    // Trailers, or a stream that cannot be opened any more.
    if (exchange !== undefined || stream <= this.#highest || stream % 2 === 0)
      return exchange?.asked(bytes, timeNs, end);
    if (this.#streams.size >= MOST_STREAMS) {
      this.#highest = stream;
      return this.sink.lost(1);
    }
    exchange = new Exchange(requestOf(fields), beganNs, beganAt);
    exchange.stream = stream;
    exchange.asksWith(this.#headersOf(fields), end);
    exchange.asked(bytes, timeNs, end);
    this.#open(stream, exchange);
    this.sink.asked?.(exchange);
  }

  #responseHeaders({ stream, bytes, beganNs, beganAt, isPromise }: HeaderBlock, fields: Fields, timeNs: number): void {
    const exchange = isPromise ? undefined : this.#streams.get(stream);
    if (exchange === undefined) return;
    const status = Number(/^\d{3}$/.exec(fields.get(":status") ?? "")?.[0] ?? 0);
    if (status >= 200 && !exchange.hasResponse) {
      exchange.respond(status, exchange.askedNs, beganNs, beganAt);
      exchange.contentType = (fields.get("content-type") ?? "").slice(0, LONGEST_VALUE);
    }
    // In trailers, or in the only headers of a response without a body.
    exchange.grpcStatus = (fields.get("grpc-status") ?? exchange.grpcStatus).slice(0, LONGEST_VALUE);
    exchange.grpcMessage = (fields.get("grpc-message") ?? exchange.grpcMessage).slice(0, LONGEST_MESSAGE);
    exchange.answered(bytes, timeNs);
  }

  #headersOf(fields: Fields): Headers {
    if (this.#wanted.isEmpty) return NO_HEADERS;
    return new Map([...fields].filter(([name]) => this.#wanted.has(name)));
  }

  #requestEnded(stream: number): void {
    const exchange = this.#streams.get(stream);
    if (exchange === undefined) return;
    exchange.isRequestOver = true;
    if (exchange.isOver) this.#tell(stream, exchange);
  }

  /** A server that has answered may stop listening: it resets the stream, or says nothing. */
  #responseEnded(stream: number): void {
    const exchange = this.#streams.get(stream);
    if (exchange === undefined) return;
    exchange.isResponseOver = true;
    if (exchange.isOver) this.#tell(stream, exchange);
  }

  #reset(stream: number): void {
    const exchange = this.#streams.get(stream);
    if (exchange !== undefined) this.#tell(stream, exchange);
  }

  #open(stream: number, exchange: Exchange): void {
    this.#highest = stream;
    this.#streams.set(stream, exchange);
    this.#streamBytes += bytesOf(exchange);
  }

  #tell(stream: number, exchange: Exchange): void {
    this.#streams.delete(stream);
    this.#streamBytes -= bytesOf(exchange);
    this.sink.told(exchange);
  }

  #forgetAll(): void {
    this.#streams.clear();
    this.#streamBytes = 0;
  }
}

const bytesOf = ({ size }: Exchange): number => STREAM_BYTES + size;

function requestOf(fields: Fields): RequestParts {
  // CONNECT has no path.
  const target = fields.get(":path") ?? fields.get(":authority") ?? "";
  return {
    method: (fields.get(":method") ?? "").slice(0, LONGEST_VALUE),
    target: target.slice(0, LONGEST_TARGET),
    isTargetCut: target.length > LONGEST_TARGET,
    version: "2",
  };
}
