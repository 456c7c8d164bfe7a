// SPDX-License-Identifier: MIT

import type { FrameFormat } from "../wire/frame-reader.js";

/** https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
export const OpCode = { REPLY: 1, QUERY: 2004, COMPRESSED: 2012, MSG: 2013 } as const;
const opCodes: ReadonlySet<number> = new Set(Object.values(OpCode));

/** No answer follows. */
export const MORE_TO_COME = 2;
/** Flags that are not required to be understood, and those that exist. */
const FLAGS = 0x1_00_03;
/** `maxMessageSizeBytes` */
const LARGEST = 48_000_000;
const HEAD_BYTES = 16;
const WANTED = 4096;
/** Behind the flags: a document follows. */
const BODY = 0;

export const requestIdOf = (head: DataView): number => head.getInt32(4, true);
export const responseToOf = (head: DataView): number => head.getInt32(8, true);
export const opCodeOf = (head: DataView): number => head.getInt32(12, true);

export const format: FrameFormat = {
  headBytes: HEAD_BYTES,
  payload(head) {
    const length = head.getInt32(0, true);
    return opCodes.has(opCodeOf(head)) && length > HEAD_BYTES && length <= LARGEST ? length - HEAD_BYTES : -1;
  },
  wanted: () => WANTED,
};

/** Where in the payload of OP_MSG the document is; -1 where another section comes first. */
export const documentAt = (payload: Buffer): number => (payload.length > 9 && payload[4] === BODY ? 5 : -1);

/** Whether these bytes begin a request. */
export function beginsMongo(bytes: Uint8Array): boolean {
  if (bytes.length < HEAD_BYTES + 10) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const payload = format.payload(view);
  if (payload < 0 || responseToOf(view) !== 0) return false;
  const flags = view.getUint32(HEAD_BYTES, true);
  switch (opCodeOf(view)) {
    case OpCode.MSG:
      return (flags & ~FLAGS) === 0 && bytes[HEAD_BYTES + 4] === BODY && view.getInt32(HEAD_BYTES + 5, true) < payload;
    case OpCode.QUERY:
      return Buffer.from(bytes.subarray(HEAD_BYTES + 4, HEAD_BYTES + 200)).includes(".$cmd\0");
    case OpCode.COMPRESSED:
      return opCodes.has(flags) && bytes[HEAD_BYTES + 8]! <= 3;
    default:
      return false;
  }
}
