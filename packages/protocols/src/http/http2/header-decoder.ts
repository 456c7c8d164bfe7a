// SPDX-License-Identifier: MIT

import hpack, { type Decoder } from "hpack.js";

/** Size of the dynamic table until the encoder says another (RFC 9113, SETTINGS_HEADER_TABLE_SIZE). */
const FIRST_TABLE_SIZE = 4096;
/** A peer that wants a larger table than this is not followed: each direction of each connection would keep as much. */
const LARGEST_TABLE = 64 * 1024;
/** Fields of one block; more are no headers. */
const MOST_FIELDS = 4096;

/** Called for each field of a block, in order. Characters are bytes (latin1). */
export type FieldListener = (name: string, value: string) => void;

/**
 * Decompresses the header blocks of one direction of a connection (HPACK, RFC 7541). Integers, Huffman codes and the table are
 * hpack.js's; which of them comes next is read here, without the streams it wraps them in.
 */
export class HeaderDecoder {
  readonly #table = hpack.table.create({ maxSize: LARGEST_TABLE });

  constructor() {
    this.#table.updateSize(FIRST_TABLE_SIZE);
  }

  /** Bytes its table holds. */
  get size(): number {
    return this.#table.size;
  }

  /** Reads one block. False when it is malformed: then no later one of this direction can be read either. */
  decode(block: Uint8Array, field: FieldListener): boolean {
    const decoder = hpack.decoder.create();
    decoder.push(Buffer.from(block.buffer, block.byteOffset, block.byteLength));
    try {
      for (let fields = 0; !decoder.isEmpty(); fields++) {
        if (fields === MOST_FIELDS) return false;
        this.#next(decoder, field);
      }
      return true;
    } catch {
      return false;
    }
  }

  /** One representation of RFC 7541, section 6. */
  #next(decoder: Decoder, field: FieldListener): void {
    if (decoder.decodeBit()) {
      const { name, value } = this.#table.lookup(decoder.decodeInt());
      return field(name, value);
    }
    const isIndexed = decoder.decodeBit() === 1;
    if (!isIndexed && decoder.decodeBit()) return this.#table.updateSize(decoder.decodeInt());
    if (!isIndexed) decoder.decodeBit(); // never indexed: means something to intermediaries only
    const index = decoder.decodeInt();
    const { name, nameSize } = index === 0 ? literal(decoder) : this.#table.lookup(index);
    const value = decoder.decodeStr();
    const text = hpack.utils.stringify(value);
    if (isIndexed) this.#table.add(name, text, nameSize, value.length);
    field(name, text);
  }
}

function literal(decoder: Decoder): { name: string; nameSize: number } {
  const bytes = decoder.decodeStr();
  return { name: hpack.utils.stringify(bytes), nameSize: bytes.length };
}
