// SPDX-License-Identifier: MIT

import { type CallSink, type Decoder, type Passage, Side, type Turn } from "../../decoder.js";
import { Exchange } from "../exchange.js";
import { Http2Connection } from "../http2/connection.js";
import { PREFACE } from "../http2/frame.js";
import { WantedHeaders } from "../wanted-headers.js";
import type { Head } from "./head.js";
import { Framing, MessageReader } from "./message-reader.js";
import {
  beginsRequest,
  beginsResponse,
  endsInLastChunk,
  findResponse,
  looksLikeRequest,
  readRequestLine,
  readStatusLine,
} from "./start-line.js";

/** Requests that may wait for their responses; a client that sends more without reading is none we follow. */
const MOST_PENDING = 1024;
/** Bytes among which a request must be found where nothing is known of what came before. */
const LONGEST_SEARCH = 1024 * 1024;

/** The first line of the preface of HTTP/2 looks like a request line; the rest is left to whoever decodes what follows. */
const PREFACE_BEHIND_LINE = PREFACE.length - "PRI * HTTP/2.0\r\n".length;

/** Where a connection stands when it is taken over. */
export interface Http1Start {
  /** The exchange that is under way. */
  readonly pending?: Exchange;
  /** Bytes of its request's and its response's body that are still to come. */
  readonly requestLeft?: number;
  readonly responseLeft?: number;
  /** Its response has begun, and where it ends is not known. */
  readonly isUnframed?: boolean;
  /** The next bytes may be from the middle of a message. */
  readonly isMidway?: boolean;
  /** Request headers whose values are kept; none when absent. */
  readonly wanted?: WantedHeaders;
}

/**
 * HTTP/1.0 and 1.1. Requests wait in a queue; each response belongs to the oldest one without. A response that is seen before
 * its request waits for it.
 */
export class Http1Connection implements Decoder {
  turn: Turn | undefined;
  readonly #wanted: WantedHeaders;
  readonly #requests: MessageReader;
  readonly #responses: MessageReader;
  /** Exchanges under way, oldest first; the responses come in this order. */
  readonly #pending: Exchange[] = [];
  /** The one whose request is being read. */
  #requested: Exchange | undefined;
  /** The one whose response is being read, or was begun before we came. */
  #answered: Exchange | undefined;
  /** Bytes of a request whose first line is not complete. */
  #lineBytes = 0;
  #lineNs = 0;
  /** First byte of the message that the responses are at, and the last one of its request before that. */
  #responseNs = 0;
  #askedNs = 0;
  /** Of the response that is being read: interim ones are followed by another. */
  #status = 0;
  /** Whether the next request, and the next response, must be looked for. */
  #seeksRequest: boolean;
  #seeksResponse: boolean;
  #sought = 0;
  /** Responses may have been missed: which request the next one answers is not known. */
  #hasLostOrder: boolean;

  constructor(
    private readonly sink: CallSink<Exchange>,
    start: Http1Start = {},
  ) {
    const { pending, requestLeft = 0, responseLeft = 0, isUnframed = false, isMidway = false } = start;
    this.#wanted = start.wanted ?? WantedHeaders.NONE;
    this.#requests = new MessageReader(
      {
        startsLine: beginsRequest,
        startLine: (line, isCut) => this.#requestLine(line, isCut),
        head: (head) => this.#requestHead(head),
      },
      this.#wanted,
    );
    this.#responses = new MessageReader({
      startsLine: beginsResponse,
      startLine: (line) => this.#statusLine(line),
      head: (head) => this.#responseHead(head),
    });
    this.#seeksRequest = isMidway && pending === undefined;
    this.#seeksResponse = isUnframed || this.#seeksRequest;
    this.#hasLostOrder = this.#seeksRequest;
    if (pending === undefined) return;
    this.#pending.push(pending);
    this.#requests.beginInBody(requestLeft);
    if (requestLeft > 0) this.#requested = pending;
    else pending.isRequestOver = true;
    if (!pending.hasResponse) return;
    this.#status = pending.status;
    this.#responses.beginInBody(responseLeft);
    if (isUnframed || responseLeft > 0) this.#answered = pending;
    else pending.isResponseOver = true;
    this.#tellOver();
  }

  get isAtRest(): boolean {
    const isBetween = this.#requests.isAtStart && this.#responses.isAtStart && this.#pending.length === 0;
    return isBetween && !this.#seeksRequest;
  }

  get size(): number {
    return this.#requests.size + this.#responses.size + this.#pendingBytes();
  }

  body(side: Side): number {
    if (side === Side.REQUESTS) return this.#seeksRequest ? 0 : this.#requests.body;
    return this.#seeksResponse ? 0 : this.#responses.body;
  }

  indifferent(side: Side): number {
    const seeks = side === Side.REQUESTS ? this.#seeksRequest : this.#seeksResponse && this.#waiting() === undefined;
    return seeks ? Infinity : this.body(side);
  }

  take(side: Side, passage: Passage, from: number, to: number): number {
    let at = from;
    while (at < to && this.turn === undefined) {
      const next = side === Side.REQUESTS ? this.#takeRequest(passage, at, to) : this.#takeResponse(passage, at, to);
      if (next === at) break;
      at = next;
    }
    return at - from;
  }

  miss(side: Side, length: number, timeNs: number): void {
    const known = Math.min(length, this.body(side));
    if (side === Side.REQUESTS) {
      this.#requested?.asked(length, timeNs, this.#requested.requestEnd + length);
      if (known === 0) return;
      this.#requests.miss(known);
      this.#afterRequestBytes();
    } else {
      this.#answered?.answered(length, timeNs);
      if (known === 0) return;
      this.#responses.miss(known);
      this.#afterResponseBytes();
    }
  }

  lose(): void {
    this.#forgetPending();
    this.#seeksRequest = this.#seeksResponse = this.#hasLostOrder = true;
    this.#sought = 0;
  }

  close(): void {
    for (const exchange of this.#pending) this.sink.told(exchange);
    this.#pending.length = 0;
    this.#requested = this.#answered = undefined;
  }

  tellProgress(): void {
    for (const exchange of this.#pending) {
      if (!exchange.hasResponse) continue;
      this.sink.told(exchange);
      exchange.wasTold();
    }
  }

  // ---- requests ----

  #takeRequest(passage: Passage, at: number, to: number): number {
    const { bytes, timeNs } = passage;
    if (this.#seeksRequest) {
      if (!looksLikeRequest(bytes, at, to)) return this.#seekOn(at, to);
      this.#seeksRequest = false;
      this.#requests.next();
    }
    if (this.#requests.isAtStart) this.#lineNs = timeNs;
    const end = this.#requests.read(passage, at, to);
    if (this.#requested) this.#requested.asked(end - at, timeNs, passage.origin + end);
    else this.#lineBytes += end - at;
    this.#afterRequestBytes();
    return end;
  }

  #afterRequestBytes(): void {
    if (this.#requests.isBroken) return this.#break();
    if (!this.#requests.isAtEnd) return;
    this.#requests.next();
    this.#lineBytes = 0;
    if (this.#requested) this.#requested.isRequestOver = true;
    this.#requested = undefined;
    this.#tellOver();
  }

  #requestLine(line: string, isCut: boolean): boolean {
    const start = readRequestLine(line, isCut);
    if (start === undefined) return false;
    if (start.version === "2.0" && start.method === "PRI") {
      this.#turnHttp2(PREFACE_BEHIND_LINE);
      return false;
    }
    if (this.#pending.length >= MOST_PENDING) return false;
    const exchange = new Exchange(start, this.#lineNs, this.#requests.startAt);
    exchange.requestBytes = this.#lineBytes;
    this.#lineBytes = 0;
    this.#requested = exchange;
    this.#pending.push(exchange);
    return true;
  }

  #requestHead({ contentLength, coding, upgrade, headers }: Head): number {
    this.#requested?.asksWith(headers, this.#requests.headEnd);
    if (this.#requested) {
      this.#requested.upgrade = upgrade;
      this.sink.asked?.(this.#requested);
    }
    if (coding === "chunked") return Framing.CHUNKED;
    // No server can know where such a request ends, so it answers with an error and closes.
    if (coding === "other" || Number.isNaN(contentLength)) return Framing.UNTIL_CLOSE;
    return Math.max(0, contentLength);
  }

  // ---- responses ----

  #takeResponse(passage: Passage, at: number, to: number): number {
    const { bytes, timeNs } = passage;
    if (this.#seeksResponse) {
      const begin = this.#isAnswerable(timeNs) ? findResponse(bytes, at, to) : -1;
      if (begin !== at) return this.#olderResponse(passage, at, begin < 0 ? to : begin);
      this.#seeksResponse = this.#hasLostOrder = false;
      this.#responses.next();
      this.#endAnswered();
    }
    if (this.#responses.isAtStart) {
      const exchange = this.#waiting();
      if (exchange === undefined) return at;
      this.#answered = exchange;
      this.#responseNs = timeNs;
      this.#askedNs = exchange.askedNs;
    }
    const end = this.#responses.read(passage, at, to);
    this.#answered?.answered(end - at, timeNs);
    this.#afterResponseBytes();
    return end;
  }

  /** The oldest exchange whose response has not begun. */
  #waiting(): Exchange | undefined {
    return this.#pending.find((exchange) => this.#isWaiting(exchange));
  }

  #isWaiting(exchange: Exchange): boolean {
    return !exchange.isResponseOver && exchange !== this.#begunEarlier();
  }

  /**
   * Whether a response that begins at `timeNs` can only be that of the oldest request that waits. Where responses may have
   * been missed it is known only when no other one was made by then.
   */
  #isAnswerable(timeNs: number): boolean {
    if (!this.#hasLostOrder) return this.#waiting() !== undefined;
    const asked = this.#pending.filter((exchange) => exchange.firstNs <= timeNs && this.#isWaiting(exchange));
    if (asked.length > 1) this.#forget(asked);
    return asked.length === 1;
  }

  /** An exchange whose response began before we came and ends we do not know where. */
  #begunEarlier(): Exchange | undefined {
    return this.#seeksResponse ? this.#answered : undefined;
  }

  /** Bytes of a response that began before we came. */
  #olderResponse({ bytes, timeNs }: Passage, at: number, to: number): number {
    this.#answered?.answered(to - at, timeNs);
    if (this.#answered && this.#waiting() === undefined && endsInLastChunk(bytes, at, to)) {
      this.#seeksResponse = false;
      this.#endAnswered();
    }
    return to;
  }

  #afterResponseBytes(): void {
    if (this.#responses.isBroken) return this.#break();
    if (!this.#responses.isAtEnd) return;
    this.#responses.next();
    if (this.turn !== undefined) return this.#tellOver();
    if (this.#status < 200) this.#answered = undefined;
    else this.#endAnswered();
  }

  #endAnswered(): void {
    if (this.#answered) this.#answered.isResponseOver = true;
    this.#answered = undefined;
    this.#tellOver();
  }

  #statusLine(line: string): boolean {
    const status = readStatusLine(line);
    this.#status = status ?? 0;
    return status !== undefined;
  }

  #responseHead({ contentLength, coding }: Head): number {
    const exchange = this.#answered;
    const status = this.#status;
    if (exchange === undefined) return Framing.NONE;
    if (status === 101) return this.#upgraded(exchange);
    if (status < 200) return Framing.NONE;
    exchange.respond(status, this.#askedNs, this.#responseNs, this.#responses.startAt);
    const isOpened = exchange.request.method === "CONNECT" && status < 300;
    if (isOpened) {
      this.#turnOther(exchange);
      return Framing.NONE;
    }
    if (exchange.request.method === "HEAD" || status === 204 || status === 304) return Framing.NONE;
    if (coding === "chunked") return Framing.CHUNKED;
    if (coding === "other" || contentLength === -1 || Number.isNaN(contentLength)) return Framing.UNTIL_CLOSE;
    return contentLength;
  }

  #upgraded(exchange: Exchange): number {
    if (exchange.upgrade.split(",").some((protocol) => protocol.trim() === "h2c")) {
      this.#pending.splice(this.#pending.indexOf(exchange), 1);
      this.#turnHttp2(PREFACE.length, exchange);
      return Framing.NONE;
    }
    exchange.respond(this.#status, this.#askedNs, this.#responseNs, this.#responses.startAt);
    this.#turnOther(exchange);
    return Framing.NONE;
  }

  #turnHttp2(prefaceLeft: number, upgraded?: Exchange): void {
    const start = { prefaceLeft, wanted: this.#wanted, ...(upgraded && { upgraded }) };
    this.turn = { to: "decoder", decoder: new Http2Connection(this.sink, start) };
  }

  /** The exchange has opened the connection to something else. What both sides say from now on is not its. */
  #turnOther(exchange: Exchange): void {
    exchange.isRequestOver = exchange.isResponseOver = true;
    this.turn = { to: "other" };
  }

  // ---- both ----

  #pendingBytes(): number {
    let bytes = 0;
    for (const { size } of this.#pending) bytes += size;
    return bytes;
  }

  /** Tells the exchanges that are over, in the order of their requests. */
  #tellOver(): void {
    while (this.#pending[0]?.isOver) this.sink.told(this.#pending.shift()!);
  }

  #seekOn(at: number, to: number): number {
    this.#sought += to - at;
    if (this.#sought > LONGEST_SEARCH) this.turn = { to: "undecodable" };
    return to;
  }

  /** What came is no HTTP/1. */
  #break(): void {
    if (this.turn !== undefined) return;
    this.#forgetPending();
    this.turn = { to: "undecodable" };
  }

  /** Tells what is known of the exchanges under way, and begins anew. */
  #forgetPending(): void {
    this.#forget([...this.#pending]);
    this.#answered = undefined;
    this.#lineBytes = 0;
    this.#requests.next();
    this.#responses.next();
  }

  #forget(exchanges: readonly Exchange[]): void {
    let lost = 0;
    for (const exchange of exchanges) {
      this.#pending.splice(this.#pending.indexOf(exchange), 1);
      if (exchange === this.#requested) this.#requested = undefined;
      if (exchange.hasResponse) this.sink.told(exchange);
      else lost++;
    }
    if (lost > 0) this.sink.lost(lost);
  }
}
