// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import {
  type Budget,
  Conversation,
  type Decoder,
  Exchange,
  Http1Connection,
  Http2Connection,
  HTTP2_PREFACE,
  latin1,
  type Outcome,
  Side,
  splitRequestLine,
} from "@skep/protocols";
import { httpChunk, httpExchange } from "../../http-codec.gen.js";
import { EventFlag, OrderKind } from "../contract.js";
import { endsOf, nameOwner } from "../ends.js";
import type { Told } from "../standing.js";
import type { Order } from "./orders.js";

/** The kernel is spared copying as many bytes of a body as that, or more. */
const WORTH_SKIPPING = 32 * 1024;
/** Sequence numbers are compared by their difference, which has a sign. */
const FARTHEST = 2 ** 30;

/** Where the exchanges of a connection are put; `ends` say between whom they are. */
export interface StreamSink {
  told(ends: Cursor, exchange: Exchange): void;
  lost(exchanges: number): void;
}

/** A connection whose bytes user space gets: from its chunks to its exchanges. */
export class StreamedConnection {
  /** A struct http_exchange that says between whom. */
  readonly ends: Cursor;
  /** When its last chunk passed, ns. */
  lastNs: number;
  readonly #conversation: Conversation;

  /**
   * @param record HTTP_STREAM: valid only during the call
   * @param told of the exchange that is pending, when it was told before
   * @param budget for the bytes that are kept
   */
  constructor(record: Cursor, told: Told | undefined, sink: StreamSink, budget: Budget) {
    const flags = httpExchange.eventFlags(record);
    this.ends = endsOf(record);
    this.lastNs = httpExchange.eventTimeNs(record) + httpExchange.durationNs(record);
    this.#conversation = new Conversation({
      readSeq: httpExchange.readSeq(record),
      writtenSeq: httpExchange.writtenSeq(record),
      budget,
      opening: {
        side: (flags & EventFlag.INCOMING) !== 0 ? Side.REQUESTS : Side.RESPONSES,
        decoder: this.#decoder(record, told, sink),
      },
    });
  }

  /** Set when nothing more will be decoded; what was pending has been told. */
  get outcome(): Outcome | undefined {
    return this.#conversation.outcome;
  }

  /** Between two exchanges, and no byte in hand. */
  get isAtRest(): boolean {
    return this.#conversation.isAtRest;
  }

  /** Takes the bytes of an HTTP_CHUNK. */
  chunk(record: Cursor): void {
    const flags = httpExchange.eventFlags(record);
    const isWritten = (flags & EventFlag.WRITTEN) !== 0;
    const timeNs = httpChunk.eventTimeNs(record);
    this.lastNs = Math.max(this.lastNs, timeNs);
    nameOwner(this.ends, httpChunk.tgid(record), (flags & EventFlag.OWNER_ASSUMED) !== 0);
    const from = record.at + httpChunk.layout.size;
    const captured = Math.max(0, Math.min(httpChunk.captured(record), record.length - httpChunk.layout.size));
    const segment = { bytes: record.bytes, timeNs };
    this.#conversation.add(isWritten, httpChunk.seq(record), httpChunk.length(record), segment, from, captured);
  }

  /** The connection is closed: tells what is pending. */
  close(): void {
    this.#conversation.close();
  }

  /** Gives up: what is pending is told as far as it is known. */
  abandon(): void {
    this.#conversation.abandon();
  }

  /** Waits no longer for what is missing before bytes that passed until then. */
  giveUpHoles(untilNs: number): void {
    this.#conversation.giveUpHoles(untilNs);
  }

  /** Tells exchanges that go on. */
  tellProgress(): void {
    this.#conversation.tellProgress();
  }

  /** What the kernel shall do now; undefined: what it does. */
  get order(): Order | undefined {
    const conversation = this.#conversation;
    if (this.outcome !== undefined) return { kind: OrderKind.IGNORE, readSeq: 0, writtenSeq: 0 };
    const [readSeq, writtenSeq] = [conversation.next(false), conversation.next(true)];
    if (this.isAtRest) return { kind: OrderKind.RESUME, readSeq, writtenSeq };
    const [read, written] = [conversation.body(false), conversation.body(true)];
    if (Math.max(read, written) < WORTH_SKIPPING) return undefined;
    return {
      kind: OrderKind.SKIP,
      readSeq: (readSeq + Math.min(read, FARTHEST)) >>> 0,
      writtenSeq: (writtenSeq + Math.min(written, FARTHEST)) >>> 0,
    };
  }

  #decoder(record: Cursor, told: Told | undefined, sink: StreamSink): Decoder {
    const flags = httpExchange.eventFlags(record);
    const calls = {
      told: (exchange: Exchange) => void (exchange.hasNews && sink.told(this.ends, exchange)),
      lost: (exchanges: number) => sink.lost(exchanges),
    };
    if ((flags & EventFlag.PREFACE) !== 0) return new Http2Connection(calls, { prefaceLeft: HTTP2_PREFACE.length });
    const pending = pendingOf(record, flags, told);
    return new Http1Connection(calls, {
      ...(pending && { pending }),
      requestLeft: httpExchange.requestLeft(record),
      responseLeft: httpExchange.responseLeft(record),
      isUnframed: (flags & EventFlag.UNFRAMED) !== 0,
      isMidway: (flags & EventFlag.MIDWAY) !== 0,
    });
  }
}

/** The exchange that was under way when the kernel handed the connection over. */
function pendingOf(record: Cursor, flags: number, told: Told | undefined): Exchange | undefined {
  const length = httpExchange.lineLen(record);
  if (length === 0) return undefined;
  const at = record.at + httpExchange.layout.size;
  const line = latin1(record.bytes, at, Math.min(at + length, record.at + record.length));
  const request = splitRequestLine(line, (flags & EventFlag.LINE_CUT) !== 0);
  const exchange = new Exchange(request, httpExchange.eventTimeNs(record));
  exchange.asked(
    httpExchange.requestBytes(record) - (told?.requestBytes ?? 0),
    exchange.firstNs + httpExchange.durationNs(record),
    0,
  );
  exchange.responseBytes = httpExchange.responseBytes(record) - (told?.responseBytes ?? 0);
  exchange.isTold = told !== undefined || (flags & EventFlag.CONTINUED) !== 0;
  if ((flags & EventFlag.RESPONDED) !== 0) {
    exchange.status = httpExchange.status(record);
    exchange.latencyNs = httpExchange.latencyNs(record);
    exchange.respondedNs = exchange.askedNs + exchange.latencyNs;
  }
  return exchange;
}
