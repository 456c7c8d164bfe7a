// SPDX-License-Identifier: MIT

import { type CallSink, type Decoder, type Passage, Side, type Turn } from "@skep/protocols";
import type { WireCall } from "../wire-call.js";
import type { MessageReader } from "./message-reader.js";

/** Calls that may wait for their responses; a client that sends more without reading is none we follow. */
const MOST_PENDING = 1024;
/** Where several requests may be waiting of which nobody knows, so long nothing may have passed before the next is believed. */
const QUIET_NS = 100e6;
/** How often a connection may turn out to say something else than was thought before it is given up. */
const MOST_BREAKS = 8;

/** How a decoder puts what it finds, and where it begins. */
export interface DecoderStart {
  readonly sink: CallSink;
  /** The conversation was joined in its middle: what comes before the next request is of older ones. */
  readonly isMidway: boolean;
}

/**
 * What decoders of requests and responses have in common: calls wait in a queue, what was lost is made up for at the next
 * request, and a response that is too long to be captured whole lasts until the next request begins.
 */
export abstract class PairedDecoder<C extends WireCall> implements Decoder {
  turn: Turn | undefined;
  /** Oldest first. */
  protected readonly pending: C[] = [];
  protected abstract readonly requests: MessageReader;
  protected abstract readonly responses: MessageReader;
  readonly #sink: CallSink;
  /** Whether the next request must be looked for, and whether responses are older than it. */
  #seeksRequest: boolean;
  #seeksResponse: boolean;
  /** Bytes of the response were not seen: where its messages begin is not known. */
  #isAdrift = false;
  /** The call whose request goes on unseen, until another begins. */
  #asking: C | undefined;
  /** Offset of the next byte of the requests, and of the responses. */
  #requestOffset = 0;
  #responseOffset = 0;
  #breaks = 0;
  /** The client does not wait for one response before it sends the next request. */
  #isPipelining = false;
  /** When the last byte of either direction passed. */
  #lastNs = 0;

  constructor({ sink, isMidway }: DecoderStart) {
    this.#sink = sink;
    this.#seeksRequest = this.#seeksResponse = isMidway;
  }

  /** Whether a request may begin with these bytes, where nothing is known of what came before. */
  protected abstract beginsRequest(bytes: Uint8Array): boolean;

  /** Responses come in the order of their requests, and nothing else says whose they are. */
  protected get isOrdered(): boolean {
    return true;
  }

  /** Whether a response may begin with these bytes, where older ones were lost. */
  protected beginsResponse(_bytes: Uint8Array): boolean {
    return true;
  }

  /** Whether a response that is not followed any more seems to end with these bytes. */
  protected endsResponse(_bytes: Uint8Array): boolean {
    return false;
  }

  /** The call to which all bytes belong that a client sends until its next request; undefined where that is not certain. */
  protected driftingRequest(): C | undefined {
    return undefined;
  }

  /** The request that went on unseen is over, or its response is. */
  protected requestDrifted(_call: C): void {}

  /** Bytes that are kept beside those of calls and readers. */
  protected get extraSize(): number {
    return 0;
  }

  get size(): number {
    let bytes = this.requests.size + this.responses.size + this.extraSize;
    for (const { size } of this.pending) bytes += size;
    return bytes;
  }

  get isAtRest(): boolean {
    return this.pending.length === 0 && !this.#seeksRequest && this.requests.isAtStart && this.responses.isAtStart;
  }

  body(side: Side): number {
    if (side === Side.REQUESTS) return this.#seeksRequest ? 0 : this.requests.body;
    return this.#seeksResponse || this.#isAdrift ? 0 : this.responses.body;
  }

  indifferent(side: Side): number {
    if (side === Side.REQUESTS) {
      return this.#seeksRequest || this.driftingRequest() !== undefined ? Infinity : this.requests.body;
    }
    if (this.#seeksResponse || this.#isAdrift) return Infinity;
    return this.canDrift() ? Infinity : this.responses.body;
  }

  take(side: Side, passage: Passage, from: number, to: number): number {
    if (this.turn !== undefined) return 0;
    const quietNs = passage.timeNs - this.#lastNs;
    this.#lastNs = Math.max(this.#lastNs, passage.timeNs);
    if (side === Side.REQUESTS) {
      const taken = this.#takeRequests(passage, from, to, quietNs);
      this.#requestOffset = passage.origin + from + taken;
      return taken;
    }
    const took = this.#takeResponses(passage, from, to);
    this.#responseOffset = passage.origin + from + took;
    return took;
  }

  miss(side: Side, length: number, timeNs: number): void {
    if (side === Side.REQUESTS) return this.#missRequest(length, timeNs);
    this.#responseOffset += length;
    if (this.#seeksResponse) return;
    if (!this.#isAdrift && length <= this.responses.body) return this.responses.miss(length, timeNs);
    if (!this.#isAdrift) this.#drift();
    this.pending[0]?.drifted(this.#responseOffset, timeNs);
  }

  lose(): void {
    if (this.turn !== undefined) return;
    let lost = 0;
    for (const call of this.pending.splice(0)) {
      if (call.hasResponse) this.#tell(call);
      else if (call.isSpan) lost++;
    }
    if (lost > 0) this.#sink.lost(lost);
    this.requests.reset();
    this.responses.reset();
    this.#seeksRequest = this.#seeksResponse = true;
    this.#isAdrift = false;
    this.#asking = undefined;
    this.lostTrack();
  }

  close(): void {
    for (const call of this.pending.splice(0)) this.#tell(call);
  }

  tellProgress(): void {
    // A span is told once.
  }

  /** What was being put together is forgotten. */
  protected lostTrack(): void {}

  /** A call begins. @param isAsked its request is complete, else {@link PairedDecoder.asked} tells so */
  protected open(call: C, isAsked = true): void {
    if (this.pending.length >= MOST_PENDING) return this.lose();
    this.pending.push(call);
    this.#isPipelining ||= this.pending.length > 1;
    if (isAsked) this.asked(call);
  }

  /** The server has all it needs to begin. */
  protected asked(call: C): void {
    if (call.isSpan) this.#sink.asked?.(call);
  }

  /** A call is over. */
  protected finish(call: C): void {
    const at = this.pending.indexOf(call);
    if (at >= 0) this.pending.splice(at, 1);
    if (call === this.#asking) this.#endRequestDrift();
    this.#tell(call);
  }

  #tell(call: C): void {
    if (call.isSpan) this.#sink.told(call);
  }

  #takeRequests(passage: Passage, from: number, to: number, quietNs: number): number {
    if (this.#seeksRequest) {
      const isOrdered = !this.#isPipelining || !this.isOrdered || quietNs >= QUIET_NS || this.#asking !== undefined;
      if (!isOrdered || !this.beginsRequest(passage.bytes.subarray(from, to))) {
        this.#asking?.askedUpTo(passage.origin + to, passage.timeNs);
        return to - from;
      }
      this.#seeksRequest = false;
      this.requests.reset();
      this.#endRequestDrift();
    }
    if (this.#isAdrift && this.requests.isAtStart) this.#endDrift();
    const took = this.requests.take(passage, from, to);
    return this.requests.isBroken ? this.#break(to - from) : took;
  }

  #takeResponses(passage: Passage, from: number, to: number): number {
    const { bytes, timeNs, origin } = passage;
    if (this.#seeksResponse) {
      const [call] = this.pending;
      const isOlder = call === undefined || timeNs < call.firstNs;
      if (isOlder || !this.beginsResponse(bytes.subarray(from, to))) return to - from;
      this.#seeksResponse = false;
      this.responses.reset();
    }
    // It passed before what would be its request: of one that nobody saw.
    const [next] = this.pending;
    if (this.isOrdered && next !== undefined && this.responses.isAtStart && timeNs < next.firstNs) return to - from;
    if (this.#isAdrift) {
      this.pending[0]?.drifted(origin + to, timeNs);
      if (this.endsResponse(bytes.subarray(from, to))) this.#endDrift();
      return to - from;
    }
    const took = this.responses.take(passage, from, to);
    return this.responses.isBroken ? this.#break(to - from) : took;
  }

  #missRequest(length: number, timeNs: number): void {
    this.#requestOffset += length;
    if (!this.#seeksRequest) {
      if (length <= this.requests.body) return this.requests.miss(length, timeNs);
      this.#asking = this.driftingRequest();
      this.#seeksRequest = true;
      this.requests.reset();
    }
    this.#asking?.askedUpTo(this.#requestOffset, timeNs);
  }

  #endRequestDrift(): void {
    const call = this.#asking;
    this.#asking = undefined;
    if (call !== undefined) this.requestDrifted(call);
  }

  /** Which call a response belongs to is certain even where its messages are not seen. */
  protected canDrift(): boolean {
    const [call] = this.pending;
    return this.pending.length === 1 && (call!.hasResponse || !this.responses.isAtStart);
  }

  #drift(): void {
    this.pending[0]?.answers(this.responses.at, this.responses.beganNs);
    this.responses.reset();
    this.#isAdrift = true;
  }

  #endDrift(): void {
    this.#isAdrift = false;
    this.#seeksResponse = true;
    const [call] = this.pending;
    if (call !== undefined) this.finish(call);
  }

  /** What came is no message: perhaps we lost our way. All `length` bytes are passed over. */
  #break(length: number): number {
    this.lose();
    if (++this.#breaks > MOST_BREAKS) this.turn = { to: "undecodable" };
    return length;
  }
}
