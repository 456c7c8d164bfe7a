// SPDX-License-Identifier: MIT

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

/** Trace of which this identity is the root: its 128 bits, 32 hex digits. */
export const traceIdOf = ([a = 0, b = 0, c = 0, d = 0]: Uint32Array): string => hex(a) + hex(b) + hex(c) + hex(d);

/** Id of the span itself: its 128 bits folded to 64, 16 hex digits, never all zero. */
export function spanIdOf([a = 0, b = 0, c = 0, d = 0]: Uint32Array): string {
  return (a ^ c) === 0 && (b ^ d) === 0 ? "0000000000000001" : hex(a ^ c) + hex(b ^ d);
}
