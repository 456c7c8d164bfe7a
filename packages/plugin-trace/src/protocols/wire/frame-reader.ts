// SPDX-License-Identifier: MIT

import type { Passage } from "@skep/protocols";
import type { Message, MessageReader } from "./message-reader.js";

/** How messages of a direction are framed: a head of a fixed size says how long the payload is. */
export interface FrameFormat {
  readonly headBytes: number;
  /** Bytes of the payload; -1 for what is no head. */
  payload(head: DataView): number;
  /** How many of them are looked at, the first ones. */
  wanted(head: DataView, payload: number): number;
}

/** A message. Its bytes are valid only during the call that gets them. */
export interface Frame extends Message {
  readonly head: DataView;
  /** The first bytes of the payload, as many as are wanted. */
  readonly payload: Buffer;
  /** Bytes of the whole payload. */
  readonly length: number;
}

/** Who is told of frames. */
export interface FrameListener {
  /** Whether a frame with this head can be understood now. If not, it waits for the other direction. */
  isDue(head: DataView): boolean;
  frame(frame: Frame): void;
}

/** Payload that is looked at of one frame, at most. */
const MOST_WANTED = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** Reads frames one after the other; of long ones only the beginning. */
export class FrameReader implements MessageReader {
  isBroken = false;
  at = 0;
  beganNs = 0;
  /** May be changed between two frames. */
  format: FrameFormat;
  readonly #bytes = new Uint8Array(16);
  readonly #head = new DataView(this.#bytes.buffer);
  #filled = 0;
  #isStopped = false;
  #inPayload = false;
  #length = 0;
  #left = 0;
  #wanted = 0;
  #kept: Buffer = NOTHING;
  #offset = 0;

  constructor(
    format: FrameFormat,
    private readonly listener: FrameListener,
  ) {
    this.format = format;
  }

  get isAtStart(): boolean {
    return this.#filled === 0 && !this.#inPayload;
  }

  get size(): number {
    return this.#kept.length;
  }

  get body(): number {
    return this.#inPayload && this.#kept.length >= this.#wanted ? this.#left : 0;
  }

  take(passage: Passage, from: number, to: number): number {
    let at = from;
    while (at < to && !this.isBroken && !this.#isStopped) {
      const next = this.#inPayload ? this.#readPayload(passage, at, to) : this.#readHead(passage, at, to);
      if (next === at) break;
      at = next;
    }
    return at - from;
  }

  miss(length: number, timeNs: number): void {
    this.#left -= length;
    this.#offset += length;
    if (this.#left === 0) this.#over(this.#kept, timeNs);
  }

  reset(): void {
    this.isBroken = this.#inPayload = false;
    this.#filled = this.#left = this.#wanted = 0;
    this.#kept = NOTHING;
  }

  /** Takes no more. */
  stop(): void {
    this.#isStopped = true;
  }

  #readHead({ bytes, origin, timeNs }: Passage, from: number, to: number): number {
    if (this.#filled === 0) {
      this.at = origin + from;
      this.beganNs = timeNs;
    }
    const { headBytes } = this.format;
    const end = Math.min(to, from + headBytes - this.#filled);
    for (let at = from; at < end; at++) this.#bytes[this.#filled++] = bytes[at]!;
    if (this.#filled < headBytes) return end;
    if (!this.listener.isDue(this.#head)) {
      this.#filled--;
      return end - 1;
    }
    this.#length = this.#left = this.format.payload(this.#head);
    if (this.#length < 0) {
      this.isBroken = true;
      return end;
    }
    this.#wanted = Math.min(this.#length, this.format.wanted(this.#head, this.#length), MOST_WANTED);
    this.#inPayload = true;
    this.#offset = origin + end;
    if (this.#left === 0) this.#over(NOTHING, timeNs);
    return end;
  }

  #readPayload({ bytes, origin, timeNs }: Passage, from: number, to: number): number {
    const end = Math.min(to, from + this.#left);
    const isWhole = this.#kept.length === 0 && end - from === this.#left;
    let payload = this.#kept;
    const missing = Math.min(this.#wanted - this.#kept.length, end - from);
    if (missing > 0) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + from, missing);
      payload = isWhole ? piece : Buffer.concat([this.#kept, piece]);
    }
    this.#left -= end - from;
    this.#offset = origin + end;
    if (this.#left === 0) this.#over(payload, timeNs);
    else this.#kept = payload;
    return end;
  }

  #over(payload: Buffer, endedNs: number): void {
    this.#inPayload = false;
    this.#filled = 0;
    this.#kept = NOTHING;
    const { at, beganNs } = this;
    this.listener.frame({ head: this.#head, payload, length: this.#length, at, end: this.#offset, beganNs, endedNs });
  }
}
