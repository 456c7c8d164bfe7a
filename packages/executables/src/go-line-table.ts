// SPDX-License-Identifier: MIT

/** How the table's parts are found, and how wide an entry of its list of functions is, by its first word. */
interface Layout {
  /** Index of the header's word that says where the names are; of the other parts likewise. */
  readonly names: number;
  readonly pcTables: number;
  readonly functions: number;
  /** Index of the word with the address of the program's text. Before there was one, addresses were whole, not counted from it. */
  readonly text?: number;
  /** Bytes of an address in the list of functions, and of an offset. */
  readonly entry: 4 | 8;
}

const since1_18: Layout = { text: 2, names: 3, pcTables: 6, functions: 7, entry: 4 };
const layouts: ReadonlyMap<number, Layout> = new Map([
  [0xfffffffa, { names: 2, pcTables: 5, functions: 6, entry: 8 }], // Go 1.16 and 1.17
  [0xfffffff0, since1_18], // Go 1.18 and 1.19
  [0xfffffff1, since1_18], // Go 1.20 and later
]);
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
 * `.gopclntab`, of Go 1.16 and later. It tells names, addresses and, for each instruction, how far the stack has grown, so
 * returns are found without a disassembler.
 *
 * @throws RangeError from any member when the table contradicts itself
 * @see https://go.dev/s/go12symtab and src/runtime/symtab.go, struct pcHeader and _func
 */
export class GoLineTable {
  readonly #bytes: Buffer;
  readonly #layout: Layout;
  readonly #quantum: number;
  readonly #count: number;
  readonly #names: number;
  readonly #pcTables: number;
  readonly #functions: number;
  /** Whole address that those of the functions count from. */
  readonly #base: number;
  /** Virtual address of the program's text; 0 in Go 1.26 and later, which leave it out. */
  readonly text: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const layout = layouts.get(bytes.readUInt32LE(0));
    if (layout === undefined) throw new RangeError("no line table of Go 1.16 or later");
    if (bytes[7] !== POINTER) throw new RangeError(`its pointers have ${bytes[7]} bytes`);
    this.#layout = layout;
    this.#quantum = bytes[6]!;
    const word = (index: number) => this.#u64(POINTER + index * POINTER);
    this.#count = word(0);
    this.#names = word(layout.names);
    this.#pcTables = word(layout.pcTables);
    this.#functions = word(layout.functions);
    const last = this.#functions + this.#count * 2 * layout.entry;
    if (this.#names > bytes.length || last + layout.entry > bytes.length)
      throw new RangeError("it points outside itself");
    this.#base = layout.text === undefined ? this.#u64(this.#functions) : 0;
    this.text = layout.text === undefined ? this.#base : word(layout.text);
  }

  /** All functions, first to last. */
  get extent(): Stretch {
    const { entry: width } = this.#layout;
    const address = (index: number) => this.#wide(this.#functions + index * 2 * width) - this.#base;
    return { start: address(0), end: address(this.#count) };
  }

  /** Functions by their full names, such as `crypto/tls.(*Conn).Read`: those that the program has, of equal names the first. */
  find(names: readonly string[]): ReadonlyMap<string, GoFunction> {
    const nameAt = new Map<number, string>();
    for (const name of names) {
      const at = this.#bytes.indexOf(`\0${name}\0`, this.#names, "latin1");
      if (at >= 0) nameAt.set(at + 1 - this.#names, name);
    }
    const found = new Map<string, GoFunction>();
    const { entry: width } = this.#layout;
    for (let index = 0; index < this.#count && found.size < nameAt.size; index++) {
      const entry = this.#functions + index * 2 * width;
      // struct _func: the address once more, then the offset of the name.
      const info = this.#functions + this.#wide(entry + width) + width;
      const name = nameAt.get(this.#bytes.readInt32LE(info));
      if (name === undefined || found.has(name)) continue;
      const [start, end] = [this.#wide(entry) - this.#base, this.#wide(entry + 2 * width) - this.#base];
      const stackTable = this.#pcTables + this.#bytes.readUInt32LE(info + 12);
      found.set(name, { start, end, frameless: this.#frameless(stackTable, start, end) });
    }
    return found;
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

  /** An address or offset of the list of functions. */
  #wide(at: number): number {
    return this.#layout.entry === 4 ? this.#bytes.readUInt32LE(at) : this.#u64(at);
  }

  #u64(at: number): number {
    return this.#bytes.readUInt32LE(at) + this.#bytes.readUInt32LE(at + 4) * 2 ** 32;
  }
}
