// SPDX-License-Identifier: MIT

import type { Passage } from "../../decoder.js";
import { LONGEST_VALUE, WantedHeaders } from "../wanted-headers.js";
import { type Head, HeadReader } from "./head.js";
import { LineReader } from "./line-reader.js";

/** How a message ends behind its head, beside a number of bytes. */
export const Framing = {
  NONE: 0,
  CHUNKED: -1,
  UNTIL_CLOSE: -2,
} as const;

/** Who is told of the messages of one direction. */
export interface MessageListener {
  /** The beginning of the first line has come, the rest not yet. False: it begins no message. */
  startsLine(beginning: string): boolean;
  /** The first line has come. False: it begins no message. */
  startLine(line: string, isCut: boolean): boolean;
  /** The head is over. Returns how the message is framed: bytes of its body, or one of {@link Framing}. */
  head(head: Head): number;
}

const State = {
  START: 0,
  START_LINE: 1,
  HEADERS: 2,
  BODY: 3,
  CHUNK_SIZE: 4,
  CHUNK_DATA: 5,
  CHUNK_END: 6,
  TRAILERS: 7,
  UNTIL_CLOSE: 8,
  END: 9,
  BROKEN: 10,
} as const;
type State = (typeof State)[keyof typeof State];

const CR = 13;
const LF = 10;
/** Bytes of a start line that are kept: a path of the greatest configured length, and what stands around it. */
const LONGEST_START_LINE = 8192 + 512;
/** Names and values that frame messages are shorter; what is wanted besides may have a longer value. */
const LONGEST_HEADER = 512;
/** A line or head that does not end: it is none. */
const LONGEST_HEAD = 1024 * 1024;

/** Reads the HTTP/1 messages of one direction. Tolerant as servers are: bare LF, empty lines before a message, obs-fold. */
export class MessageReader {
  /** Offset of the first byte of the message, empty lines before it left out, and of the one behind its head. */
  startAt = 0;
  headEnd = 0;
  #state: State = State.START;
  /** Offset of the first of the bytes that are being read. */
  #origin = 0;
  #left = 0;
  /** Bytes of the head or trailer so far. */
  #headBytes = 0;
  readonly #startLine = new LineReader(LONGEST_START_LINE);
  readonly #line: LineReader;
  #isLineKept = true;
  readonly #head: HeadReader;

  constructor(
    private readonly listener: MessageListener,
    wanted = WantedHeaders.NONE,
  ) {
    this.#head = new HeadReader(wanted);
    this.#line = new LineReader(LONGEST_HEADER + (wanted.isEmpty ? 0 : LONGEST_VALUE));
  }

  /** No byte of the next message has come. */
  get isAtStart(): boolean {
    return this.#state === State.START;
  }

  /** The message is complete: {@link next} is due. */
  get isAtEnd(): boolean {
    return this.#state === State.END;
  }

  /** What came is no message. */
  get isBroken(): boolean {
    return this.#state === State.BROKEN;
  }

  /** The message ends when the connection does. */
  get isUntilClose(): boolean {
    return this.#state === State.UNTIL_CLOSE;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.#startLine.size + this.#line.size;
  }

  /** Bytes of body that are known to come next. */
  get body(): number {
    if (this.#state === State.UNTIL_CLOSE) return Infinity;
    return this.#state === State.BODY || this.#state === State.CHUNK_DATA ? this.#left : 0;
  }

  /** Reads bytes of one message. Returns the index behind the last byte that belongs to it. */
  read({ bytes, origin }: Passage, from: number, to: number): number {
    let at = from;
    this.#origin = origin;
    while (at < to && this.#state !== State.END && this.#state !== State.BROKEN) at = this.#step(bytes, at, to);
    return at;
  }

  /** So many bytes of {@link body} passed unseen. */
  miss(length: number): void {
    if (this.#state !== State.UNTIL_CLOSE) this.#bodyPassed(length);
  }

  /** On to the next message. */
  next(): void {
    this.#state = State.START;
    this.#headBytes = 0;
    this.#startLine.clear();
    this.#line.clear();
    this.#head.take();
  }

  /** In the middle of a message of whose body so many bytes are to come. */
  beginInBody(left: number): void {
    this.next();
    if (left > 0) this.#frame(left);
  }

  #step(bytes: Uint8Array, at: number, to: number): number {
    switch (this.#state) {
      case State.START:
        if (bytes[at] === CR || bytes[at] === LF) return at + 1;
        this.#state = State.START_LINE;
        this.startAt = this.#origin + at;
        return at;
      case State.START_LINE:
        return this.#readStartLine(bytes, at, to);
      case State.HEADERS:
      case State.TRAILERS:
        return this.#readHeader(bytes, at, to);
      case State.CHUNK_SIZE:
        return this.#readChunkSize(bytes, at, to);
      case State.CHUNK_END:
        if (bytes[at] === LF) this.#state = State.CHUNK_SIZE;
        else if (bytes[at] !== CR) this.#state = State.BROKEN;
        return at + 1;
      case State.BODY:
      case State.CHUNK_DATA: {
        const length = Math.min(this.#left, to - at);
        this.#bodyPassed(length);
        return at + length;
      }
      default:
        return to;
    }
  }

  #readStartLine(bytes: Uint8Array, at: number, to: number): number {
    const end = this.#startLine.take(bytes, at, to);
    if (end < 0) {
      const goesOn = this.#startLine.length <= LONGEST_HEAD && this.listener.startsLine(this.#startLine.text);
      if (!goesOn) this.#state = State.BROKEN;
      return to;
    }
    const accepted = this.listener.startLine(this.#startLine.text, this.#startLine.isCut);
    this.#startLine.clear();
    this.#state = accepted ? State.HEADERS : State.BROKEN;
    return end;
  }

  #readHeader(bytes: Uint8Array, at: number, to: number): number {
    if (this.#line.length === 0) this.#isLineKept = this.#state === State.HEADERS && this.#head.mayMatter(bytes[at]!);
    const end = this.#line.take(bytes, at, to, this.#isLineKept);
    this.#headBytes += (end < 0 ? to : end) - at;
    if (end < 0) return this.#unlessTooLong(to);
    const { text, isEmpty } = this.#line;
    this.#line.clear();
    if (!isEmpty) {
      if (this.#state === State.HEADERS) this.#head.line(text);
      return this.#unlessTooLong(end);
    }
    if (this.#state === State.TRAILERS) {
      this.#state = State.END;
      return end;
    }
    this.headEnd = this.#origin + end;
    this.#frame(this.listener.head(this.#head.take()));
    return end;
  }

  #readChunkSize(bytes: Uint8Array, at: number, to: number): number {
    const end = this.#line.take(bytes, at, to);
    if (end < 0) return to;
    // Behind the size there may be an extension.
    const size = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i.exec(this.#line.text)?.[1];
    this.#line.clear();
    this.#headBytes = 0;
    this.#left = size === undefined ? 0 : parseInt(size, 16);
    this.#state = size === undefined ? State.BROKEN : this.#left === 0 ? State.TRAILERS : State.CHUNK_DATA;
    return end;
  }

  #frame(framing: number): void {
    this.#left = Math.max(0, framing);
    if (framing === Framing.NONE) this.#state = State.END;
    else if (framing === Framing.CHUNKED) this.#state = State.CHUNK_SIZE;
    else this.#state = framing === Framing.UNTIL_CLOSE ? State.UNTIL_CLOSE : State.BODY;
  }

  #bodyPassed(length: number): void {
    this.#left -= length;
    if (this.#left === 0) this.#state = this.#state === State.CHUNK_DATA ? State.CHUNK_END : State.END;
  }

  #unlessTooLong(at: number): number {
    if (this.#headBytes > LONGEST_HEAD) this.#state = State.BROKEN;
    return at;
  }
}
