// SPDX-License-Identifier: MIT

import type { FrameFormat } from "../wire/frame-reader.js";

/** Types of messages that matter, as bytes. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const byte = (letter: string): number => letter.charCodeAt(0);
export const Frontend = {
  BIND: byte("B"),
  CLOSE: byte("C"),
  DESCRIBE: byte("D"),
  EXECUTE: byte("E"),
  FUNCTION_CALL: byte("F"),
  FLUSH: byte("H"),
  PARSE: byte("P"),
  QUERY: byte("Q"),
  SYNC: byte("S"),
  TERMINATE: byte("X"),
  COPY_DONE: byte("c"),
  COPY_DATA: byte("d"),
  COPY_FAIL: byte("f"),
  PASSWORD: byte("p"),
} as const;
export const Backend = {
  NOTIFICATION: byte("A"),
  COMMAND_COMPLETE: byte("C"),
  ERROR: byte("E"),
  NOTICE: byte("N"),
  PARAMETER_STATUS: byte("S"),
  COPY_BOTH: byte("W"),
  READY: byte("Z"),
} as const;

const frontend: ReadonlySet<number> = new Set(Object.values(Frontend));
const backend: ReadonlySet<number> = new Set(Array.from("ACDEGHIKNRSTVWZcdnstv123", byte));

/** Bytes of a statement and of an error that are looked at. */
const LONGEST_STATEMENT = 8192;
const LONGEST_ERROR = 2048;
const LONGEST_TAG = 64;
const LARGEST = 2 ** 30;

/** A message: its type, its length with that of the length. */
const messages = (types: ReadonlySet<number>, wanted: (type: number) => number): FrameFormat => ({
  headBytes: 5,
  payload(head) {
    const length = head.getUint32(1) - 4;
    return types.has(head.getUint8(0)) && length >= 0 && length < LARGEST ? length : -1;
  },
  wanted: (head) => wanted(head.getUint8(0)),
});

export const frontendFormat = messages(frontend, (type) => {
  const hasText =
    type === Frontend.QUERY || type === Frontend.PARSE || type === Frontend.BIND || type === Frontend.CLOSE;
  return hasText ? LONGEST_STATEMENT : 0;
});

export const backendFormat = messages(backend, (type) => {
  if (type === Backend.ERROR) return LONGEST_ERROR;
  return type === Backend.COMMAND_COMPLETE || type === Backend.READY || type === Backend.PARAMETER_STATUS
    ? LONGEST_TAG
    : 0;
});

/** What a client may say first, by the number behind the length. */
export const Opening = {
  VERSION_3_0: 0x0003_0000,
  VERSION_3_2: 0x0003_0002,
  CANCEL: 80_877_102,
  SSL: 80_877_103,
  GSS: 80_877_104,
} as const;
const openings: ReadonlySet<number> = new Set(Object.values(Opening));
const LONGEST_OPENING = 10_000;

/** A startup message has no type. */
export const openingFormat: FrameFormat = {
  headBytes: 8,
  payload(head) {
    const length = head.getUint32(0) - 8;
    const isFixed = head.getUint32(4) === Opening.SSL || head.getUint32(4) === Opening.GSS;
    if (!openings.has(head.getUint32(4)) || length < 0 || length > LONGEST_OPENING) return -1;
    return isFixed && length !== 0 ? -1 : length;
  },
  wanted: () => 0,
};

/** Text up to the next zero byte, or to the end where the message was cut. */
export function cString(bytes: Buffer, from: number): { readonly text: string; readonly end: number } {
  const zero = bytes.indexOf(0, from);
  const end = zero < 0 ? bytes.length : zero;
  return { text: bytes.toString("utf8", from, end), end: end + 1 };
}
