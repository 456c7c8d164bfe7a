// SPDX-License-Identifier: MIT

import type { Passage } from "../../decoder.js";
import { addHeader, type WantedHeaders } from "../wanted-headers.js";
import { type Frame, FRAME_HEAD, FrameFlag, FrameHead, FrameType, PREFACE } from "./frame.js";
import { HeaderBlock } from "./header-block.js";
import { HeaderDecoder } from "./header-decoder.js";

/** Payload of one frame with headers; a peer that sends larger ones is not followed. */
const LONGEST_PAYLOAD = 256 * 1024;

/** Fields that matter. */
const TELLING: ReadonlySet<string> = new Set([
  ":method",
  ":path",
  ":authority",
  ":status",
  "content-type",
  "grpc-status",
  "grpc-message",
]);

/** Headers or trailers, the fields that matter of them. Characters are bytes (latin1). */
export type Fields = ReadonlyMap<string, string>;

/** Who is told of what one direction says. */
export interface StreamListener {
  /** Whether headers of this stream can be understood now. If not, they wait for the other direction. */
  isDue(stream: number): boolean;
  /** A header block is complete. @param end offset behind it */
  headers(block: HeaderBlock, fields: Fields, timeNs: number, end: number): void;
  /** Bytes up to offset `end` that belong to this stream passed and were not headers; 0: the connection itself. */
  passed(stream: number, bytes: number, timeNs: number, end: number): void;
  /** The direction says no more on this stream. */
  ended(stream: number): void;
  /** The stream is over. */
  reset(stream: number): void;
}

/** Reads the frames of one direction of a connection of HTTP/2. */
export class Http2Direction {
  /** What came are no frames, or headers that cannot be read: no later frame can be either. */
  isBroken = false;
  readonly #headers = new HeaderDecoder();
  readonly #head = new FrameHead();
  /** The frame whose payload is to come. */
  #frame: Frame | undefined;
  #left = 0;
  /** Payload of a frame with headers that comes in pieces. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #block: HeaderBlock | undefined;
  /** Offset of the next byte. */
  #at = 0;

  /**
   * @param prefaceLeft bytes of the client's preface that are still to come
   * @param wanted headers that are kept beside the fields that matter
   */
  constructor(
    private readonly listener: StreamListener,
    private prefaceLeft: number,
    private readonly wanted: WantedHeaders,
  ) {}

  /** Bytes that are kept. */
  get size(): number {
    return this.#headers.size + this.#piecesBytes + (this.#block?.size ?? 0);
  }

  /** Bytes of payload to come that need not be seen. */
  get body(): number {
    return this.#frame && !hasHeaders(this.#frame) ? this.#left : 0;
  }

  /** Takes bytes; returns how many. */
  take(passage: Passage, from: number, to: number): number {
    let at = from;
    while (at < to && !this.isBroken) {
      this.#at = passage.origin + at;
      const next = this.#step(passage, at, to);
      if (next === at) break;
      at = next;
    }
    this.#at = passage.origin + at;
    return at - from;
  }

  /** So many bytes of {@link body} passed unseen. */
  miss(length: number, timeNs: number): void {
    if (this.#frame) this.#bodyPassed(this.#frame, length, timeNs);
    this.#at += length;
  }

  #step(passage: Passage, at: number, to: number): number {
    const { bytes, timeNs } = passage;
    if (this.prefaceLeft > 0) return this.#readPreface(bytes, at, to);
    if (this.#frame === undefined) return this.#readHead(passage, at, to);
    const length = Math.min(this.#left, to - at);
    if (hasHeaders(this.#frame)) this.#readHeaders(this.#frame, bytes.subarray(at, at + length), timeNs);
    else this.#bodyPassed(this.#frame, length, timeNs);
    return at + length;
  }

  #readPreface(bytes: Uint8Array, at: number, to: number): number {
    let next = at;
    while (next < to && this.prefaceLeft > 0 && !this.isBroken) {
      if (bytes[next++] !== PREFACE.charCodeAt(PREFACE.length - this.prefaceLeft--)) this.isBroken = true;
    }
    return next;
  }

  #readHead(passage: Passage, at: number, to: number): number {
    const end = this.#head.take(passage, at, to);
    const { frame } = this.#head;
    if (frame === undefined) return end;
    if (frame.type === FrameType.HEADERS && !this.listener.isDue(frame.stream)) {
      this.#head.giveBack();
      return end - 1;
    }
    this.#head.clear();
    this.#at = passage.origin + end;
    this.#begin(frame, passage.timeNs);
    return end;
  }

  #begin(frame: Frame, timeNs: number): void {
    const opens = frame.type === FrameType.HEADERS || frame.type === FrameType.PUSH_PROMISE;
    const isExpected = this.#block ? this.#block.isContinuedBy(frame) : frame.type !== FrameType.CONTINUATION;
    if (!isExpected || (opens && frame.stream === 0) || (hasHeaders(frame) && frame.length > LONGEST_PAYLOAD)) {
      this.isBroken = true;
      return;
    }
    if (opens) this.#block = new HeaderBlock(frame, this.#head.beganNs, this.#head.beganAt);
    this.#frame = frame;
    this.#left = frame.length;
    if (hasHeaders(frame)) {
      if (frame.length === 0) this.#headersOver(frame, new Uint8Array(0), timeNs, 0);
      return;
    }
    this.listener.passed(frame.stream, FRAME_HEAD, timeNs, this.#at);
    if (frame.length === 0) this.#bodyOver(frame);
  }

  #bodyPassed(frame: Frame, length: number, timeNs: number): void {
    this.listener.passed(frame.stream, length, timeNs, this.#at + length);
    this.#left -= length;
    if (this.#left === 0) this.#bodyOver(frame);
  }

  #bodyOver({ type, flags, stream }: Frame): void {
    this.#frame = undefined;
    if (type === FrameType.DATA && (flags & FrameFlag.END_STREAM) !== 0) this.listener.ended(stream);
    else if (type === FrameType.RST_STREAM) this.listener.reset(stream);
  }

  #readHeaders(frame: Frame, piece: Uint8Array, timeNs: number): void {
    this.#left -= piece.length;
    if (this.#left === 0 && this.#pieces.length === 0) return this.#headersOver(frame, piece, timeNs, piece.length);
    this.#pieces.push(piece.slice());
    this.#piecesBytes += piece.length;
    if (this.#left > 0) return;
    const payload = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#headersOver(frame, payload, timeNs, piece.length);
  }

  #headersOver(frame: Frame, payload: Uint8Array, timeNs: number, lastPiece: number): void {
    const block = this.#block;
    this.#frame = undefined;
    if (!block?.add(frame, payload)) this.isBroken = true;
    else if (block.isComplete) this.#blockOver(block, timeNs, this.#at + lastPiece);
  }

  #blockOver(block: HeaderBlock, timeNs: number, end: number): void {
    this.#block = undefined;
    const fields = new Map<string, string>();
    const isRead = this.#headers.decode(block.compressed, (name, value) => {
      if (this.wanted.has(name)) addHeader(fields, name, value);
      else if (TELLING.has(name) && !fields.has(name)) fields.set(name, value);
    });
    if (!isRead) {
      this.isBroken = true;
      return;
    }
    this.listener.headers(block, fields, timeNs, end);
    if (block.endsStream) this.listener.ended(block.stream);
  }
}

/** Frames whose payload is header block: every byte of it is needed. */
const hasHeaders = ({ type }: Frame): boolean =>
  type === FrameType.HEADERS || type === FrameType.PUSH_PROMISE || type === FrameType.CONTINUATION;
