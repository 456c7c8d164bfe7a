// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { httpChunk, httpExchange } from "../../http-codec.gen.js";
import { EventFlag, OrderKind } from "../contract.js";
import { type Decoder, type ExchangeSink, type Passage, Side } from "../decoder.js";
import { endsOf, nameOwner } from "../ends.js";
import { Exchange } from "../exchange.js";
import { Http1Connection } from "../http1/connection.js";
import { Http2Connection } from "../http2/connection.js";
import { PREFACE } from "../http2/frame.js";
import { latin1 } from "../latin1.js";
import { splitRequestLine } from "../request-line.js";
import type { Told } from "../standing.js";
import type { Budget } from "./budget.js";
import type { Order } from "./orders.js";
import { Reassembly } from "./reassembly.js";

/** The kernel is spared copying as many bytes of a body as that, or more. */
const WORTH_SKIPPING = 32 * 1024;
/** Sequence numbers are compared by their difference, which has a sign. */
const FARTHEST = 2 ** 30;

/** How it ended with a connection: nothing more will be decoded. */
export type Outcome = "ignored" | "undecodable";

/** Where the exchanges of a connection are put; `ends` say between whom they are. */
export interface StreamSink {
  told(ends: Cursor, exchange: Exchange): void;
  lost(exchanges: number): void;
}

/** A connection whose bytes user space gets: from its chunks to its exchanges. */
export class StreamedConnection {
  /** A struct http_exchange that says between whom. */
  readonly ends: Cursor;
  /** Set when nothing more will be decoded; what was pending has been told. */
  outcome: Outcome | undefined;
  /** When its last chunk passed, ns. */
  lastNs: number;
  #decoder: Decoder;
  readonly #sink: ExchangeSink;
  /** What is read and what is written. */
  readonly #directions: readonly [Reassembly, Reassembly];
  /** Side of what is read; the other one is written. */
  readonly #readSide: Side;
  #decoderBytes = 0;

  /**
   * @param record HTTP_STREAM: valid only during the call
   * @param told of the exchange that is pending, when it was told before
   * @param budget for the bytes that are kept
   */
  constructor(
    record: Cursor,
    told: Told | undefined,
    sink: StreamSink,
    private readonly budget: Budget,
  ) {
    const flags = httpExchange.eventFlags(record);
    this.ends = endsOf(record);
    this.lastNs = httpExchange.eventTimeNs(record) + httpExchange.durationNs(record);
    this.#sink = {
      told: (exchange) => void (exchange.hasNews && sink.told(this.ends, exchange)),
      lost: (exchanges) => sink.lost(exchanges),
    };
    this.#readSide = (flags & EventFlag.INCOMING) !== 0 ? Side.REQUESTS : Side.RESPONSES;
    this.#decoder = (flags & EventFlag.PREFACE) !== 0 ? this.#http2(PREFACE.length) : this.#http1(record, told);
    this.#directions = [
      this.#direction(httpExchange.readSeq(record), this.#readSide),
      this.#direction(httpExchange.writtenSeq(record), otherSide(this.#readSide)),
    ];
  }

  /** Between two exchanges, and no byte in hand. */
  get isAtRest(): boolean {
    return this.#decoder.isAtRest && !this.#directions[0].isWaiting && !this.#directions[1].isWaiting;
  }

  /** Takes the bytes of an HTTP_CHUNK. */
  chunk(record: Cursor): void {
    const flags = httpExchange.eventFlags(record);
    const isWritten = (flags & EventFlag.WRITTEN) !== 0;
    this.lastNs = Math.max(this.lastNs, httpChunk.eventTimeNs(record));
    nameOwner(this.ends, httpChunk.tgid(record), (flags & EventFlag.OWNER_ASSUMED) !== 0);
    const from = record.at + httpChunk.layout.size;
    const captured = Math.min(httpChunk.captured(record), record.length - httpChunk.layout.size);
    const passage: Passage = { bytes: record.bytes, timeNs: httpChunk.eventTimeNs(record) };
    const [read, written] = this.#directions;
    const [own, other] = isWritten ? [written, read] : [read, written];
    own.add(httpChunk.seq(record), httpChunk.length(record), passage, from, Math.max(0, captured));
    // What one direction said the other may have waited for.
    other.resume();
    own.resume();
    this.#settle();
  }

  /** The connection is closed: tells what is pending. */
  close(): void {
    this.giveUpHoles(Infinity);
    if (this.outcome === undefined) this.#decoder.close();
    this.#release();
  }

  /** Gives up: what is pending is told as far as it is known. */
  abandon(): void {
    this.#decoder.lose();
    this.#release();
  }

  /** Waits no longer for what is missing before bytes that passed until then. */
  giveUpHoles(untilNs: number): void {
    const [read, written] = this.#directions;
    read.giveUpHoles(untilNs);
    written.giveUpHoles(untilNs);
    read.resume();
  }

  /** Tells exchanges that go on. */
  tellProgress(): void {
    this.#decoder.tellProgress();
  }

  /** What the kernel shall do now; undefined: what it does. */
  get order(): Order | undefined {
    const [read, written] = this.#directions;
    if (this.outcome !== undefined) return { kind: OrderKind.IGNORE, readSeq: 0, writtenSeq: 0 };
    if (this.isAtRest) return { kind: OrderKind.RESUME, readSeq: read.next >>> 0, writtenSeq: written.next >>> 0 };
    const bodies = [this.#decoder.body(this.#readSide), this.#decoder.body(otherSide(this.#readSide))] as const;
    if (Math.max(...bodies) < WORTH_SKIPPING) return undefined;
    return {
      kind: OrderKind.SKIP,
      readSeq: (read.next + Math.min(bodies[0], FARTHEST)) >>> 0,
      writtenSeq: (written.next + Math.min(bodies[1], FARTHEST)) >>> 0,
    };
  }

  #direction(next: number, side: Side): Reassembly {
    return new Reassembly(
      next,
      {
        take: (passage, from, to) => this.#take(side, passage, from, to),
        indifferent: () => (this.outcome ? Infinity : this.#decoder.indifferent(side)),
        miss: (length, timeNs) => void (this.outcome ?? this.#decoder.miss(side, length, timeNs)),
        lose: () => this.#lose(),
      },
      this.budget,
    );
  }

  #take(side: Side, passage: Passage, from: number, to: number): number {
    let at = from;
    while (at < to && this.outcome === undefined) {
      const took = this.#decoder.take(side, passage, at, to);
      at += took;
      if (!this.#turn() && at < to) return at - from;
    }
    return to - from;
  }

  #lose(): void {
    if (this.outcome !== undefined) return;
    this.#decoder.lose();
    this.#turn();
  }

  /** Follows the decoder where the connection has turned. True if it has. */
  #turn(): boolean {
    const { turn } = this.#decoder;
    if (turn === undefined) return false;
    if (turn.to === "http2") {
      this.#decoder.close();
      this.#decoder = this.#http2(turn.prefaceLeft, turn.upgraded);
    } else {
      this.#decoder.close();
      this.outcome = turn.to === "other" ? "ignored" : "undecodable";
    }
    return true;
  }

  /** Accounts for what is kept after a chunk. */
  #settle(): void {
    if (this.outcome === undefined) {
      const { size } = this.#decoder;
      const isAffordable = size <= this.#decoderBytes || this.budget.take(size - this.#decoderBytes);
      if (isAffordable) {
        if (size < this.#decoderBytes) this.budget.release(this.#decoderBytes - size);
        this.#decoderBytes = size;
        return;
      }
      this.#decoder.lose();
      this.outcome = "undecodable";
    }
    this.#release();
  }

  #release(): void {
    for (const direction of this.#directions) direction.close();
    this.budget.release(this.#decoderBytes);
    this.#decoderBytes = 0;
  }

  #http2(prefaceLeft: number, upgraded?: Exchange): Decoder {
    return new Http2Connection(this.#sink, prefaceLeft, upgraded);
  }

  #http1(record: Cursor, told: Told | undefined): Decoder {
    const flags = httpExchange.eventFlags(record);
    const pending = pendingOf(record, flags, told);
    return new Http1Connection(this.#sink, {
      ...(pending && { pending }),
      requestLeft: httpExchange.requestLeft(record),
      responseLeft: httpExchange.responseLeft(record),
      isUnframed: (flags & EventFlag.UNFRAMED) !== 0,
      isMidway: (flags & EventFlag.MIDWAY) !== 0,
    });
  }
}

const otherSide = (side: Side): Side => (side === Side.REQUESTS ? Side.RESPONSES : Side.REQUESTS);

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
  );
  exchange.responseBytes = httpExchange.responseBytes(record) - (told?.responseBytes ?? 0);
  exchange.isTold = told !== undefined || (flags & EventFlag.CONTINUED) !== 0;
  if ((flags & EventFlag.RESPONDED) !== 0) {
    exchange.status = httpExchange.status(record);
    exchange.latencyNs = httpExchange.latencyNs(record);
  }
  return exchange;
}
