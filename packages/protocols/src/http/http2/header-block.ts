// SPDX-License-Identifier: MIT

import { type Frame, FRAME_HEAD, FrameFlag, FrameType } from "./frame.js";

/** Compressed bytes of one header block; a peer that sends more is not followed. */
const LONGEST = 256 * 1024;
const PRIORITY_BYTES = 5;
const PROMISED_BYTES = 4;

/** A header block as it comes: a frame HEADERS or PUSH_PROMISE, and frames CONTINUATION until one ends it. */
export class HeaderBlock {
  readonly stream: number;
  /** The direction says no more on the stream behind this. */
  readonly endsStream: boolean;
  /** It is the request of a stream the server has promised. */
  readonly isPromise: boolean;
  /** Bytes of its frames, heads included. */
  bytes = 0;
  #isLast = false;
  #pieces: Uint8Array[] = [];
  #compressed = 0;

  /**
   * @param beganNs when its first byte passed
   * @param beganAt offset of that byte
   */
  constructor(
    first: Frame,
    readonly beganNs: number,
    readonly beganAt: number,
  ) {
    this.stream = first.stream;
    this.endsStream = (first.flags & FrameFlag.END_STREAM) !== 0;
    this.isPromise = first.type === FrameType.PUSH_PROMISE;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.#compressed;
  }

  /** Whether it goes on with this frame. */
  isContinuedBy({ type, stream }: Frame): boolean {
    return type === FrameType.CONTINUATION && stream === this.stream;
  }

  /** Whether no frame can follow that belongs to it. */
  get isComplete(): boolean {
    return this.#isLast;
  }

  /** Adds a frame. False when it is malformed, or too much. @param payload copied */
  add(frame: Frame, payload: Uint8Array): boolean {
    const part = fragmentOf(frame, payload);
    if (part === undefined || this.#compressed + part.length > LONGEST) return false;
    this.bytes += FRAME_HEAD + frame.length;
    this.#compressed += part.length;
    this.#pieces.push(part.slice());
    this.#isLast = (frame.flags & FrameFlag.END_HEADERS) !== 0;
    return true;
  }

  /** All of it, compressed. */
  get compressed(): Uint8Array {
    return this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
  }
}

/** What of a frame's payload belongs to the block; undefined when the payload is too short. */
function fragmentOf({ type, flags }: Frame, payload: Uint8Array): Uint8Array | undefined {
  if (type === FrameType.CONTINUATION) return payload;
  const isPadded = (flags & FrameFlag.PADDED) !== 0;
  const padding = isPadded ? payload[0] : 0;
  let from = isPadded ? 1 : 0;
  if (type === FrameType.PUSH_PROMISE) from += PROMISED_BYTES;
  else if ((flags & FrameFlag.PRIORITY) !== 0) from += PRIORITY_BYTES;
  const to = payload.length - (padding ?? 0);
  return padding === undefined || from > to ? undefined : payload.subarray(from, to);
}
