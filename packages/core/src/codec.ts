// SPDX-License-Identifier: MIT

/**
 * A moving window on kernel bytes.
 *
 * One cursor is reused for all records of a ring, map scan or iterator: it is valid only while the handler runs.
 * A handler that wants to keep something reads it out. Both views start at the same byte, so the word that holds byte `b`
 * is `u32[b >> 2]`. Little-endian hosts only (x86-64, arm64).
 */
export class Cursor {
  /** All bytes of the underlying buffer. */
  bytes: Uint8Array;
  /** The same memory in 32-bit words. */
  u32: Uint32Array;
  /** Offset of the current record in bytes; a multiple of 4. */
  at = 0;
  /** Length of the current record in bytes. */
  length = 0;

  constructor(buffer: ArrayBufferLike, byteOffset = 0, byteLength = buffer.byteLength - byteOffset) {
    this.bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.u32 = new Uint32Array(buffer, byteOffset, byteLength >> 2);
  }
}

/** One member of a kernel struct: offset and size in bytes. */
export interface LayoutField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Where the members of a struct lie; compared with the BTF of the loaded object before anything is decoded. */
export interface Layout {
  /** Name of the C struct. */
  readonly struct: string;
  /** sizeof the struct, bytes. */
  readonly size: number;
  readonly fields: readonly LayoutField[];
}

/**
 * A generated reader (see `skep-bpf build`): getters over a {@link Cursor}, no table at run time.
 * `T` is the plain object `read` makes; hot paths use the getters and never call it.
 */
export interface Codec<T = unknown> {
  readonly layout: Layout;
  read(cursor: Cursor): T;
}
