// SPDX-License-Identifier: MIT

import type { Passage } from "../../decoder.js";

/** What a client says first on a connection of HTTP/2 (RFC 9113, section 3.4). */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Types of the frames that matter here. */
export const FrameType = { DATA: 0, HEADERS: 1, RST_STREAM: 3, PUSH_PROMISE: 5, CONTINUATION: 9 } as const;

export const FrameFlag = { END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** Bytes of a frame's head. */
export const FRAME_HEAD = 9;

/** What the head of a frame says. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  /** 0: the connection itself. */
  readonly stream: number;
  /** Bytes of the payload. */
  readonly length: number;
}

/** The head of a frame, which may come in pieces. */
export class FrameHead {
  /** When its first byte passed, and the offset of that. */
  beganNs = 0;
  beganAt = 0;
  readonly #bytes = new Uint8Array(FRAME_HEAD);
  #filled = 0;

  /** No byte of it has come. */
  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  /** Takes bytes. Returns the index behind the last one taken. */
  take({ bytes, timeNs, origin }: Passage, from: number, to: number): number {
    if (this.#filled === 0) {
      this.beganNs = timeNs;
      this.beganAt = origin + from;
    }
    const end = Math.min(to, from + FRAME_HEAD - this.#filled);
    for (let at = from; at < end; at++) this.#bytes[this.#filled++] = bytes[at]!;
    return end;
  }

  /** Gives the last byte back: the frame's turn has not come. */
  giveBack(): void {
    this.#filled--;
  }

  /** The frame, when the head is complete. */
  get frame(): Frame | undefined {
    if (this.#filled < FRAME_HEAD) return undefined;
    const view = new DataView(this.#bytes.buffer);
    return {
      length: view.getUint32(0) >>> 8,
      type: view.getUint8(3),
      flags: view.getUint8(4),
      stream: view.getUint32(5) & 0x7fff_ffff,
    };
  }

  /** On to the next one. */
  clear(): void {
    this.#filled = 0;
  }
}
