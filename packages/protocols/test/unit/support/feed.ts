// SPDX-License-Identifier: MIT

import type { Conversation } from "../../../src/index.js";

/** What one end said, and which end. */
export interface Said {
  readonly isWritten: boolean;
  readonly bytes: Buffer;
}

/** Lets everything pass in pieces of a size, a nanosecond each. */
export function feed(
  conversation: Conversation,
  said: readonly Said[],
  { size = 1 << 20, readSeq = 0, writtenSeq = 0 } = {},
): void {
  const seq = [readSeq, writtenSeq];
  let timeNs = 1;
  for (const { isWritten, bytes } of said) {
    for (let from = 0; from < bytes.length; from += size) {
      const piece = bytes.subarray(from, from + size);
      const own = isWritten ? 1 : 0;
      conversation.add(isWritten, seq[own]! >>> 0, piece.length, { bytes: piece, timeNs: timeNs++ }, 0, piece.length);
      seq[own]! += piece.length;
    }
  }
}
