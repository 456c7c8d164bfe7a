// SPDX-License-Identifier: MIT

import { type Codec, type LayoutField, SkepError } from "@skep/core";

/** Values by the names that `codec.read` gives them, or by their names in C. What is left out is zero. */
export type EncodableRecord<T> =
  { readonly [K in keyof T]?: Encodable | undefined } | Readonly<Record<string, Encodable | undefined>>;

/** Integers are little-endian and as wide as their field, text is UTF-8 padded with NULs, arrays have all their elements. */
export type Encodable = number | bigint | boolean | string | Uint8Array | readonly (number | bigint)[];

/**
 * Bytes of a record as the kernel would write it: the inverse of `codec.read`.
 * @throws SkepError `SKEP_ERR_LAYOUT` for a name the layout does not have or a value that does not fit its field.
 */
export function encode<T>(codec: Codec<T>, values: EncodableRecord<T>): Uint8Array {
  const { struct, size, fields } = codec.layout;
  const bytes = new Uint8Array(size);
  const byName = new Map(fields.map((field) => [plainName(field.name), field]));
  for (const [name, value] of Object.entries<Encodable | undefined>(values)) {
    if (value === undefined) continue;
    const field = byName.get(plainName(name));
    if (field === undefined) {
      throw new SkepError("SKEP_ERR_LAYOUT", `struct ${struct} has no field ${name}`, {
        hint: `it has ${fields.map((field) => field.name).join(", ")}`,
      });
    }
    bytes.set(bytesOf(value, field, `struct ${struct}, field ${field.name}`), field.offset);
  }
  return bytes;
}

/** `conn.local_port` and `connLocalPort` are the same member. */
const plainName = (name: string): string => name.replace(/[_.]/g, "").toLowerCase();

function bytesOf(value: Encodable, { size }: LayoutField, where: string): Uint8Array {
  if (typeof value === "string") return fitting(new TextEncoder().encode(value), size, where);
  if (value instanceof Uint8Array) {
    if (value.length !== size) throw unfit(where, `${value.length} bytes`, size);
    return value;
  }
  if (typeof value === "object") {
    const width = size / Math.max(1, value.length);
    if (!Number.isInteger(width)) throw unfit(where, `${value.length} elements`, size);
    return Buffer.concat(value.map((element) => integer(element, width, where)));
  }
  return integer(typeof value === "boolean" ? Number(value) : value, size, where);
}

function fitting(bytes: Uint8Array, size: number, where: string): Uint8Array {
  if (bytes.length > size) throw unfit(where, `${bytes.length} bytes of text`, size);
  return bytes;
}

function integer(value: number | bigint, size: number, where: string): Uint8Array {
  if (![1, 2, 4, 8].includes(size) || (typeof value === "number" && !Number.isSafeInteger(value))) {
    throw unfit(where, `the number ${value}`, size);
  }
  const wide = BigInt(value);
  const bits = BigInt(size * 8);
  if (wide < -(1n << (bits - 1n)) || wide >= 1n << bits) throw unfit(where, `the number ${value}`, size);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, wide), true);
  return bytes.subarray(0, size);
}

function unfit(where: string, what: string, size: number): SkepError {
  return new SkepError("SKEP_ERR_LAYOUT", `${where}: ${what} do not fit its ${size} bytes`);
}
