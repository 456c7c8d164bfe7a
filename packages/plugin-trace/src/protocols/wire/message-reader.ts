// SPDX-License-Identifier: MIT

import type { Passage } from "@skep/protocols";

/** Where a message was: offsets in its direction, times of its first and last byte, ns. */
export interface Message {
  readonly at: number;
  readonly end: number;
  readonly beganNs: number;
  readonly endedNs: number;
}

/** Reads the messages of one direction, and tells whoever made it of each that is complete. */
export interface MessageReader {
  /** Takes bytes; returns how many: fewer than all when the next message must wait, or what came is none. */
  take(passage: Passage, from: number, to: number): number;
  /** Bytes to come that need not be seen. */
  readonly body: number;
  /** So many bytes of {@link body} passed unseen. */
  miss(length: number, timeNs: number): void;
  /** Offset of the first byte of the message in hand, or of the last one, and when it passed. */
  readonly at: number;
  readonly beganNs: number;
  /** Between two messages. */
  readonly isAtStart: boolean;
  /** What came is no message. */
  readonly isBroken: boolean;
  /** Bytes that are kept. */
  readonly size: number;
  /** The next byte is the first of a message. */
  reset(): void;
}
