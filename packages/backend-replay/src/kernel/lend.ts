// SPDX-License-Identifier: MIT

import { Cursor, SkepError } from "@skep/core";

/** Lends bytes to a handler as a cursor that is good only during the call. */
export type Lend = (bytes: Uint8Array, use: (cursor: Cursor) => void) => void;

/** Bytes of rubbish around a record: a handler that forgets `cursor.at` or reads past the end meets them. */
const MARGIN = 8;
const RUBBISH = 0xdb;

/**
 * Lends each record in memory of its own and takes the memory away when the handler returns: a cursor that was kept throws, and
 * arrays that were taken from it are empty.
 */
export const lendOnce: Lend = (bytes, use) => {
  const cursor = new Cursor(placed(bytes));
  cursor.at = MARGIN;
  cursor.length = bytes.length;
  try {
    use(cursor);
  } finally {
    poison(cursor);
  }
};

/** Lends without the trap, several times faster: for playing long recordings. */
export const lendPlainly: Lend = (bytes, use) => {
  const cursor = new Cursor(placed(bytes));
  cursor.at = MARGIN;
  cursor.length = bytes.length;
  use(cursor);
};

function placed(bytes: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer((bytes.length + 2 * MARGIN + 7) & ~7);
  const memory = new Uint8Array(buffer).fill(RUBBISH);
  memory.set(bytes, MARGIN);
  return buffer;
}

function poison(cursor: Cursor): void {
  const { buffer } = cursor.bytes;
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  const trap = {
    get(): never {
      throw new SkepError("SKEP_ERR_CLOSED", "a cursor was used after its handler returned", {
        hint: "a cursor is valid only while the handler runs: read out what is to be kept",
      });
    },
  };
  Object.defineProperties(cursor, { bytes: trap, u32: trap, at: trap, length: trap });
}
