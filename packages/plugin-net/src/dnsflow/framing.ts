// SPDX-License-Identifier: MIT

import { HEADER_LENGTH, isHeader } from "./message.js";

const PREFIX_LENGTH = 2;

/**
 * Messages in a stream of bytes: each has its length before it, in two bytes (RFC 1035, section 4.2.2). They may be cut
 * anywhere, and several may come at once.
 */
export class Framing {
  /** The first byte of a length that was cut in the middle. */
  #halfLength: number | undefined;
  /** A message of which `#filled` bytes are here. */
  #message: Buffer | undefined;
  #filled = 0;

  /** Bytes kept for a message that is not whole. */
  get kept(): number {
    return this.#message?.length ?? 0;
  }

  /** True in the middle of a message. */
  get isAmidst(): boolean {
    return this.#message !== undefined || this.#halfLength !== undefined;
  }

  /**
   * Takes the bytes that come next and hands over the messages they complete, valid during the call.
   * Returns false for what is not DNS: the rest of the bytes is left.
   */
  push(bytes: Buffer, message: (whole: Buffer) => void): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#message) {
        at = this.#fill(bytes, at, message);
      } else {
        const length = this.#lengthAt(bytes, at);
        if (length === undefined) return true;
        if (length < HEADER_LENGTH) return false;
        at += this.#halfLength === undefined ? PREFIX_LENGTH : 1;
        this.#halfLength = undefined;
        if (at + length > bytes.length) {
          this.#message = Buffer.allocUnsafe(length);
          this.#filled = 0;
          at = this.#fill(bytes, at, message);
        } else if (isHeader(bytes, at)) {
          message(bytes.subarray(at, at + length));
          at += length;
        } else {
          return false;
        }
      }
      if (at < 0) return false;
    }
    return true;
  }

  /** The length that begins, or goes on, at `at`; undefined when only half of it is there. */
  #lengthAt(bytes: Buffer, at: number): number | undefined {
    if (this.#halfLength !== undefined) return (this.#halfLength << 8) | bytes[at]!;
    if (at + 1 < bytes.length) return bytes.readUInt16BE(at);
    this.#halfLength = bytes[at]!;
    return undefined;
  }

  /** Where the bytes behind it begin; -1 when the message is none. */
  #fill(bytes: Buffer, at: number, message: (whole: Buffer) => void): number {
    const { length } = this.#message!;
    const copied = bytes.copy(this.#message!, this.#filled, at, at + length - this.#filled);
    const before = this.#filled;
    this.#filled += copied;
    if (before < HEADER_LENGTH && this.#filled >= HEADER_LENGTH && !isHeader(this.#message!, 0)) return -1;
    if (this.#filled === length) {
      const whole = this.#message!;
      this.#message = undefined;
      message(whole);
    }
    return at + copied;
  }
}
