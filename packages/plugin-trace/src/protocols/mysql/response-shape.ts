// SPDX-License-Identifier: MIT

import { Command, LARGEST, lengthEncoded, Reply, Status, statusFlags } from "./packets.js";

/** What the next packet of a response is. */
const Part = { FIRST: 0, DEFINITION: 1, AFTER_DEFINITIONS: 2, ROW: 3, PREPARED: 4, AFTER_PREPARED: 5 } as const;
type Part = (typeof Part)[keyof typeof Part];

/** An EOF packet; the OK that newer protocols send instead has the same first byte, and is longer. */
const EOF_BYTES = 5;
/** MySQL allows 4,096. */
const MOST_COLUMNS = 65_535;

/** What a packet of a response was. */
export type Progress =
  | "more"
  | "over"
  /** No response. */
  | "broken";

/** Whether a connection does without EOF packets behind definitions; undefined until that is seen. */
export interface EofHabit {
  isWithout: boolean | undefined;
}

/**
 * Follows the packets of a response to its end: OK, error, result sets (text or binary, with EOF packets or without), several of
 * them, what a prepared statement looks like, and files a server asks for.
 */
export class ResponseShape {
  #part: Part = Part.FIRST;
  /** Definitions that are still to come, and those of columns behind those of parameters. */
  #definitions = 0;
  #columns = 0;

  constructor(
    private readonly command: number,
    private readonly eof: EofHabit,
  ) {
    if (command === Command.FIELD_LIST || command === Command.STMT_FETCH) this.#part = Part.ROW;
  }

  /** No packet has come. */
  isBegun = false;

  /** @param length bytes of the whole payload, of which `payload` are the first */
  packet(payload: Buffer, length: number): Progress {
    this.isBegun = true;
    const [first] = payload;
    if (first === Reply.ERROR) return "over";
    switch (this.#part) {
      case Part.FIRST:
        return this.#first(payload, length);
      case Part.DEFINITION:
        if (--this.#definitions === 0) this.#part = this.eof.isWithout ? Part.ROW : Part.AFTER_DEFINITIONS;
        return "more";
      case Part.AFTER_DEFINITIONS:
        this.#part = Part.ROW;
        this.eof.isWithout = !isEof(payload, length);
        if (this.eof.isWithout) return this.#row(payload, length);
        return (statusFlags(payload) & Status.CURSOR_EXISTS) !== 0 ? "over" : "more";
      case Part.ROW:
        return this.#row(payload, length);
      case Part.AFTER_PREPARED:
        this.#part = Part.PREPARED;
        this.eof.isWithout = !isEof(payload, length);
        if (!this.eof.isWithout) return this.#definitions === 0 ? "over" : "more";
        return this.#prepared();
      default:
        return this.#prepared();
    }
  }

  #first(payload: Buffer, length: number): Progress {
    const [first] = payload;
    if (this.command === Command.STATISTICS || first === Reply.EOF) return "over";
    if (first === Reply.LOCAL_FILE) return "more";
    if (first === Reply.OK) {
      return this.command === Command.STMT_PREPARE ? this.#preparation(payload) : this.#resultOver(payload);
    }
    const count = lengthEncoded(payload, 0);
    if (count === undefined || count.value > MOST_COLUMNS || length > count.end + 1) return "broken";
    // MariaDB says behind the number whether definitions follow, which the client may know already.
    const isKnown = length === count.end + 1 && payload[count.end] === 0;
    this.#definitions = count.value;
    if (!isKnown) this.#part = Part.DEFINITION;
    else this.#part = this.eof.isWithout ? Part.ROW : Part.AFTER_DEFINITIONS;
    return "more";
  }

  #row(payload: Buffer, length: number): Progress {
    // A row whose first column is longer than a packet begins with the same byte.
    return payload[0] === Reply.EOF && length < LARGEST ? this.#resultOver(payload) : "more";
  }

  #resultOver(payload: Buffer): Progress {
    if ((statusFlags(payload) & Status.MORE_RESULTS) === 0) return "over";
    this.#part = Part.FIRST;
    return "more";
  }

  /** What is to come behind the number of a prepared statement. */
  #preparation(payload: Buffer): Progress {
    if (payload.length < 9) return "broken";
    this.#columns = payload.readUInt16LE(5);
    this.#definitions = payload.readUInt16LE(7);
    if (this.#definitions === 0) this.#onToColumns();
    this.#part = Part.PREPARED;
    return this.#definitions === 0 ? "over" : "more";
  }

  #prepared(): Progress {
    if (--this.#definitions > 0) return "more";
    this.#onToColumns();
    // Where the habit is not known an EOF may follow the end: it is told by its number.
    const isOver = this.#definitions === 0 && this.eof.isWithout !== false;
    this.#part = this.eof.isWithout ? Part.PREPARED : Part.AFTER_PREPARED;
    return isOver ? "over" : "more";
  }

  #onToColumns(): void {
    this.#definitions = this.#columns;
    this.#columns = 0;
  }
}

const isEof = (payload: Buffer, length: number): boolean => payload[0] === Reply.EOF && length === EOF_BYTES;
