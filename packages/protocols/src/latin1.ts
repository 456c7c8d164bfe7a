// SPDX-License-Identifier: MIT

/** The bytes that were last asked for: mostly those of one ring, again and again. */
let last: Buffer = Buffer.alloc(0);

/** Bytes as text, each a character. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  const isLast = last.buffer === bytes.buffer && last.byteOffset === bytes.byteOffset && last.length === bytes.length;
  if (!isLast) last = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return last.toString("latin1", from, to);
}
