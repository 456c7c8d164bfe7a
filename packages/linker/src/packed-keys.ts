// SPDX-License-Identifier: MIT

import type { SpanKeys } from "./span-keys.js";

const flags = { incoming: 1, entry: 2, keep: 4, reject: 8, hasAppTrace: 16 } as const;
/** Six numbers after the identity, then the flags. */
const words = ["requestSeq", "responseSeq", "client", "server", "threadHigh", "threadLow"] as const;
const SIZE = 16 + words.length * 4 + 1;

/** Keys in 41 bytes, for a store: with them a window is made again without reading any span. */
export function packKeys(keys: SpanKeys): Buffer {
  const packed = Buffer.allocUnsafe(SIZE);
  keys.identity.copy(packed);
  words.forEach((word, index) => packed.writeUInt32BE(keys[word], 16 + index * 4));
  packed[SIZE - 1] =
    (keys.incoming ? flags.incoming : 0) |
    (keys.entry ? flags.entry : 0) |
    (keys.hasAppTrace ? flags.hasAppTrace : 0) |
    (keys.verdict === undefined ? 0 : flags[keys.verdict]);
  return packed;
}

/** The other way round; undefined for what {@link packKeys} has not made. */
export function unpackKeys(packed: Buffer): SpanKeys | undefined {
  if (packed.length !== SIZE) return undefined;
  const bits = packed[SIZE - 1]!;
  const word = (index: number): number => packed.readUInt32BE(16 + index * 4);
  return {
    identity: packed.subarray(0, 16),
    incoming: (bits & flags.incoming) !== 0,
    entry: (bits & flags.entry) !== 0,
    requestSeq: word(0),
    responseSeq: word(1),
    client: word(2),
    server: word(3),
    threadHigh: word(4),
    threadLow: word(5),
    verdict: bits & flags.keep ? "keep" : bits & flags.reject ? "reject" : undefined,
    hasAppTrace: (bits & flags.hasAppTrace) !== 0,
  };
}
