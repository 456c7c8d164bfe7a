// SPDX-License-Identifier: MIT

/** Longest key and tag value a DataKit server takes, bytes of UTF-8. */
const MAX_KEY = 256;
const MAX_TAG_VALUE = 1024;

/** A key as the server's storage wants it: no dots, no line breaks, no backslash at the end, not too long. */
export const fieldKey = (name: string): string => cut(tame(name).replaceAll(".", "_"), MAX_KEY);

/** A tag value without line breaks, without a backslash at the end, not too long. */
export const tagValue = (value: string): string => cut(tame(value), MAX_TAG_VALUE);

const tame = (text: string): string => text.replace(/[\r\n]+/g, " ").replace(/\\+$/, "");

/** Cuts between characters, never inside one. */
function cut(text: string, bytes: number): string {
  // A character of UTF-16 is at most three bytes of UTF-8, so most texts need no measuring.
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const room = new Uint8Array(bytes);
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read);
}
