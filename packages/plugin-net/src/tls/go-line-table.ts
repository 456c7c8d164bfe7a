// SPDX-License-Identifier: MIT

/** First word of the table: Go 1.18 and 1.19, Go 1.20 and later. */
const magics: ReadonlySet<number> = new Set([0xfffffff0, 0xfffffff1]);
const HEADER_WORDS = 8;
const POINTER = 8;

/** Addresses from and up to; they count from the beginning of the program's text. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A function as the Go runtime knows it. */
export interface GoFunction extends Stretch {
  /**
   * Where the stack pointer is back to what it was at entry: the first stretch is the function's beginning up to the making of
   * its frame, the others begin at a return or, at its end, at the code that grows the stack.
   */
  readonly frameless: readonly Stretch[];
}

/**
 * The table of functions that every Go program carries for its own use (stack traces, garbage collection), stripped or not:
 * `.gopclntab`, of Go 1.18 and later. It tells names, addresses and, for each instruction, how far the stack has grown, so
 * returns are found without a disassembler.
 *
 * @throws RangeError from any member when the table contradicts itself
 * @see https://go.dev/s/go12symtab and src/runtime/symtab.go, struct pcHeader and _func
 */
export class GoLineTable {
  readonly #bytes: Buffer;
  readonly #quantum: number;
  readonly #count: number;
  readonly #names: number;
  readonly #pcTables: number;
  readonly #functions: number;
  /** Virtual address of the program's text; 0 in Go 1.26 and later, which leave it out. */
  readonly text: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (!magics.has(bytes.readUInt32LE(0))) throw new RangeError("no line table of Go 1.18 or later");
    if (bytes[7] !== POINTER) throw new RangeError(`its pointers have ${bytes[7]} bytes`);
    this.#quantum = bytes[6]!;
    const word = (index: number) => this.#u64(POINTER + index * POINTER);
    if (bytes.length < (HEADER_WORDS + 1) * POINTER) throw new RangeError("it is shorter than its header");
    this.#count = word(0);
    this.text = word(2);
    this.#names = word(3);
    this.#pcTables = word(6);
    this.#functions = word(7);
    const last = this.#functions + this.#count * 8;
    if (this.#names > bytes.length || last + 4 > bytes.length) throw new RangeError("it points outside itself");
  }

  /** A function by its full name, such as `crypto/tls.(*Conn).Read`; undefined when the program has none. */
  find(name: string): GoFunction | undefined {
    const wanted = this.#bytes.indexOf(`\0${name}\0`, this.#names, "latin1");
    if (wanted < 0) return undefined;
    const nameOffset = wanted + 1 - this.#names;
    for (let index = 0; index < this.#count; index++) {
      const entry = this.#functions + index * 8;
      const info = this.#functions + this.#bytes.readUInt32LE(entry + 4);
      if (this.#bytes.readInt32LE(info + 4) !== nameOffset) continue;
      const [start, end] = [this.#bytes.readUInt32LE(entry), this.#bytes.readUInt32LE(entry + 8)];
      const stackTable = this.#pcTables + this.#bytes.readUInt32LE(info + 16);
      return { start, end, frameless: this.#frameless(stackTable, start, end) };
    }
    return undefined;
  }

  /** Walks a table of pairs: by how much the value changes, for how many instructions it stays. */
  #frameless(table: number, start: number, end: number): readonly Stretch[] {
    const stretches: Stretch[] = [];
    const cursor = { at: table };
    let [depth, pc] = [-1, start];
    while (pc < end) {
      const change = this.#varint(cursor);
      if (change === 0 && pc !== start) break;
      depth += change & 1 ? -((change >>> 1) + 1) : change >>> 1;
      const next = pc + this.#varint(cursor) * this.#quantum;
      if (next <= pc || next > end) throw new RangeError("the stack table of a function does not fit the function");
      if (depth === 0) stretches.push({ start: pc, end: next });
      pc = next;
    }
    // What is left, if anything, fills the gap to the next function.
    return stretches;
  }

  #varint(cursor: { at: number }): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(cursor.at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError("a number in the stack table has no end");
  }

  #u64(at: number): number {
    return this.#bytes.readUInt32LE(at) + this.#bytes.readUInt32LE(at + 4) * 2 ** 32;
  }
}
