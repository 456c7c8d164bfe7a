// SPDX-License-Identifier: MIT

/** linux/netlink.h. */
export const MessageType = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;
export const MessageFlag = { REQUEST: 1, DUMP_INTERRUPTED: 0x10, DUMP: 0x300 } as const;

const HEADER = 16;
const ATTRIBUTE_HEADER = 4;
/** Highest bits of an attribute's type: that it nests others, and that its value is in network byte order. */
const TYPE_MASK = 0x3fff;

const aligned = (length: number): number => (length + 3) & ~3;

/** The header of one message and where its payload lies. One object is reused for all: read it out. */
export interface Message {
  type: number;
  flags: number;
  /** Of the request it answers; 0 for an event. */
  sequence: number;
  /** Payload: bytes from `at` to `end`. */
  at: number;
  end: number;
}

/**
 * Visits the netlink messages in the first `length` bytes. False when they are not messages to the last byte: what cannot be
 * read is left out. Never throws by itself, and never reads past `length`.
 */
// hot
export function eachMessage(bytes: Uint8Array, length: number, visit: (message: Message) => void): boolean {
  const message: Message = { type: 0, flags: 0, sequence: 0, at: 0, end: 0 };
  let at = 0;
  while (at + HEADER <= length) {
    const size = u32(bytes, at);
    if (size < HEADER || size > length - at) return false;
    message.type = u16(bytes, at + 4);
    message.flags = u16(bytes, at + 6);
    message.sequence = u32(bytes, at + 8);
    message.at = at + HEADER;
    message.end = at + size;
    visit(message);
    at += aligned(size);
  }
  return at >= length;
}

/**
 * A walk over attributes: `for (const walk = new Attributes(bytes, at, end); walk.next(); ) walk.type, walk.at, walk.end`.
 * Ends early at an attribute that does not fit, and {@link broken} says so.
 */
// hot
export class Attributes {
  type = 0;
  at = 0;
  end = 0;
  broken = false;
  #cursor = 0;
  #limit = 0;
  #bytes: Uint8Array = new Uint8Array();

  /** Begins a walk: instances are reused. */
  over(bytes: Uint8Array, at: number, limit: number): this {
    this.#bytes = bytes;
    this.#cursor = at;
    this.#limit = limit;
    this.broken = false;
    return this;
  }

  next(): boolean {
    const at = this.#cursor;
    if (at >= this.#limit) return false;
    const size = at + ATTRIBUTE_HEADER <= this.#limit ? u16(this.#bytes, at) : 0;
    if (size < ATTRIBUTE_HEADER || at + size > this.#limit) {
      this.broken = true;
      return false;
    }
    this.type = u16(this.#bytes, at + 2) & TYPE_MASK;
    this.at = at + ATTRIBUTE_HEADER;
    this.end = at + size;
    this.#cursor = at + aligned(size);
    return true;
  }
}

export const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
export const u32 = (bytes: Uint8Array, at: number): number =>
  (u16(bytes, at) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
/** Network byte order. */
export const be16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
