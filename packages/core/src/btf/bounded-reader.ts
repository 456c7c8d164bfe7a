// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";

/** Longest name believed. The kernel's own limit is 512; a longer one is an attack or garbage. */
const LONGEST_NAME = 1024;

/** What is wrong with a binary that does not parse: always `SKEP_ERR_OBJECT`. */
export function malformed(format: string, detail: string): SkepError {
  return new SkepError("SKEP_ERR_OBJECT", `malformed ${format}: ${detail}`, {
    hint: "rebuild the object with skep-bpf build; a truncated download or a foreign file looks like this too",
  });
}

/**
 * Little-endian reads of untrusted bytes: each one is inside the bytes or throws {@link malformed}.
 * Offsets are bytes from the start; `slice` shares memory.
 */
export class BoundedReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly format: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    return this.view.getUint8(this.within(at, 1));
  }

  u16(at: number): number {
    return this.view.getUint16(this.within(at, 2), true);
  }

  u32(at: number): number {
    return this.view.getUint32(this.within(at, 4), true);
  }

  i32(at: number): number {
    return this.view.getInt32(this.within(at, 4), true);
  }

  /** A 64-bit offset or size. Those past 2^53 become inexact, which is harmless: they lie outside anyway. */
  u64(at: number): number {
    return this.u32(at) + this.u32(at + 4) * 2 ** 32;
  }

  slice(at: number, length: number): Uint8Array {
    return this.bytes.subarray(this.within(at, length), at + length);
  }

  /** A NUL-terminated name. */
  name(at: number): string {
    this.within(at, 1);
    const end = this.bytes.subarray(at, at + LONGEST_NAME).indexOf(0);
    if (end < 0) throw malformed(this.format, `the name at byte ${at} has no end`);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + at, end).toString("utf8");
  }

  /** Whether the name at `at` is `wanted`, a NUL at its end included; decodes nothing. */
  nameIs(at: number, wanted: Uint8Array): boolean {
    if (at < 0 || at + wanted.length > this.bytes.length) return false;
    return wanted.every((byte, index) => this.bytes[at + index] === byte);
  }

  private within(at: number, length: number): number {
    if (at < 0 || at + length > this.bytes.length) {
      throw malformed(this.format, `${length} bytes at ${at} lie outside its ${this.bytes.length} bytes`);
    }
    return at;
  }
}
