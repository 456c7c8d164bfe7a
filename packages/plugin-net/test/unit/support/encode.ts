// SPDX-License-Identifier: MIT

import { Cursor, type Layout } from "@skep/core";

/** Values by the names of the C members; what is left out is zero. */
export type Members = Readonly<Record<string, number | bigint | string | Uint8Array>>;

/** Writes a struct as the kernel would, by the layout its generated codec was made from. */
export function encode(layout: Layout, members: Members): Uint8Array {
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  for (const [name, value] of Object.entries(members)) {
    const member = layout.fields.find((field) => field.name === name);
    if (!member) throw new Error(`struct ${layout.struct} has no member ${name}`);
    const { offset, size } = member;
    if (typeof value === "string") bytes.set(new TextEncoder().encode(value).subarray(0, size), offset);
    else if (value instanceof Uint8Array) bytes.set(value.subarray(0, size), offset);
    else if (size === 8) view.setBigUint64(offset, BigInt(value), true);
    else if (size === 4) view.setUint32(offset, Number(value), true);
    else if (size === 2) view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  }
  return bytes;
}

/** A cursor on `struct`, with other bytes before and behind it, as in a ring or a batch of map entries. */
export function cursorOn(struct: Uint8Array): Cursor {
  const bytes = new Uint8Array(struct.length + 16).fill(0xa5);
  bytes.set(struct, 8);
  const cursor = new Cursor(bytes.buffer);
  cursor.at = 8;
  cursor.length = struct.length;
  return cursor;
}
