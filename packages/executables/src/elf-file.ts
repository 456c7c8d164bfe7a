// SPDX-License-Identifier: MIT

import { closeSync, openSync, readSync } from "node:fs";

const MAGIC = 0x464c457f;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const PT_LOAD = 1;
const SHT_NOBITS = 8;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_FUNC = 2;
const [HEADER, SECTION_HEADER, PROGRAM_HEADER, SYMBOL] = [64, 64, 56, 24];
/** A table that claims to be longer is not read: the symbols of the largest programs known take a fifth of it. */
const LARGEST_PART = 512 * 1024 * 1024;

/** e_machine -> name, as `process.arch` says it. */
const machines: ReadonlyMap<number, "x64" | "arm64"> = new Map([
  [62, "x64"],
  [183, "arm64"],
]);

/** A function of the file: virtual address and bytes of its code. */
export interface ElfFunction {
  readonly address: number;
  readonly size: number;
}

interface Section {
  readonly type: number;
  readonly link: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * An executable or library, of which only the parts that are asked for are read. Whatever it says of itself is checked against
 * its bytes: reads outside throw a RangeError, in a file that is no 64-bit ELF file of a known machine the constructor does.
 */
export class ElfFile {
  readonly machine: "x64" | "arm64";
  readonly #fd: number;
  readonly #sections = new Map<string, Section>();
  readonly #inOrder: Section[] = [];
  readonly #segments: { readonly address: number; readonly offset: number; readonly size: number }[] = [];

  /** @throws RangeError, or an error of node:fs when the file cannot be read */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
    try {
      const header = this.read(0, HEADER);
      const machine = machines.get(header.readUInt16LE(0x12));
      const isElf = header.readUInt32LE(0) === MAGIC && header[4] === CLASS_64 && header[5] === LITTLE_ENDIAN;
      if (!isElf || machine === undefined) throw new RangeError("no ELF file of x86-64 or arm64");
      this.machine = machine;
      this.#readSegments(u64(header, 0x20), header.readUInt16LE(0x38));
      this.#readSections(u64(header, 0x28), header.readUInt16LE(0x3c), header.readUInt16LE(0x3e));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  has(section: string): boolean {
    return this.#sections.has(section);
  }

  /** Virtual addresses of a section; undefined when there is none of that name. */
  rangeOf(section: string): { readonly start: number; readonly end: number } | undefined {
    const found = this.#sections.get(section);
    return found && { start: found.address, end: found.address + found.size };
  }

  /** The bytes of a section; undefined when there is none of that name. */
  section(name: string): Buffer | undefined {
    const section = this.#sections.get(name);
    return section && this.#content(section);
  }

  /**
   * Functions the file defines, by name: of those it exports, and only if it exports none of them of all it has symbols for,
   * because that table can be a hundred times as long.
   */
  functions(names: readonly string[]): ReadonlyMap<string, ElfFunction> {
    for (const type of [SHT_DYNSYM, SHT_SYMTAB]) {
      const table = this.#inOrder.find((section) => section.type === type);
      const strings = table && this.#inOrder[table.link];
      if (table === undefined || strings === undefined) continue;
      const found = functionsIn(this.#content(table), this.#content(strings), names);
      if (found.size > 0) return found;
    }
    return new Map();
  }

  /** The byte of the file that is mapped at a virtual address. @throws RangeError when none is */
  offsetOf(address: number): number {
    const segment = this.#segments.find(({ address: start, size }) => address >= start && address < start + size);
    if (segment === undefined) throw new RangeError(`nothing is mapped at 0x${address.toString(16)}`);
    return address - segment.address + segment.offset;
  }

  /** Bytes at a virtual address, fewer at the end of the file. @throws RangeError when nothing of the file is there */
  bytesAt(address: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, size, this.offsetOf(address)));
  }

  /** Bytes of the file. @throws RangeError when it ends before */
  read(offset: number, size: number): Buffer {
    if (size > LARGEST_PART) throw new RangeError(`${size} bytes are too many`);
    const bytes = Buffer.alloc(size);
    let done = 0;
    while (done < size) {
      const count = readSync(this.#fd, bytes, done, size - done, offset + done);
      if (count === 0) throw new RangeError(`the file ends before byte ${offset + size}`);
      done += count;
    }
    return bytes;
  }

  #content({ type, offset, size }: Section): Buffer {
    return type === SHT_NOBITS ? Buffer.alloc(0) : this.read(offset, size);
  }

  #readSegments(offset: number, count: number): void {
    const headers = this.read(offset, count * PROGRAM_HEADER);
    for (let at = 0; at < headers.length; at += PROGRAM_HEADER) {
      if (headers.readUInt32LE(at) !== PT_LOAD) continue;
      this.#segments.push({
        offset: u64(headers, at + 8),
        address: u64(headers, at + 16),
        size: u64(headers, at + 32),
      });
    }
  }

  #readSections(offset: number, count: number, namesIndex: number): void {
    if (count === 0) return;
    const headers = this.read(offset, count * SECTION_HEADER);
    for (let at = 0; at < headers.length; at += SECTION_HEADER) {
      this.#inOrder.push({
        type: headers.readUInt32LE(at + 4),
        address: u64(headers, at + 16),
        offset: u64(headers, at + 24),
        size: u64(headers, at + 32),
        link: headers.readUInt32LE(at + 40),
      });
    }
    const namesSection = this.#inOrder[namesIndex];
    if (namesSection === undefined) throw new RangeError("the sections have no names");
    const names = this.#content(namesSection);
    this.#inOrder.forEach((section, index) => {
      const start = headers.readUInt32LE(index * SECTION_HEADER);
      const name = names.toString("latin1", start, Math.max(start, names.indexOf(0, start)));
      if (!this.#sections.has(name)) this.#sections.set(name, section);
    });
  }
}

/** Functions that a symbol table defines; of equal names the first. */
function functionsIn(symbols: Buffer, strings: Buffer, names: readonly string[]): ReadonlyMap<string, ElfFunction> {
  const nameAt = new Map<number, string>();
  for (const name of names) {
    // A name may be the tail of a longer one, which linkers store once.
    for (let at = strings.indexOf(`${name}\0`); at >= 0; at = strings.indexOf(`${name}\0`, at + 1))
      nameAt.set(at, name);
  }
  const found = new Map<string, ElfFunction>();
  if (nameAt.size === 0) return found;
  for (let at = 0; at + SYMBOL <= symbols.length; at += SYMBOL) {
    const name = nameAt.get(symbols.readUInt32LE(at));
    if (name === undefined || found.has(name)) continue;
    const isDefined = symbols.readUInt16LE(at + 6) !== 0;
    if ((symbols[at + 4]! & 0xf) !== STT_FUNC || !isDefined) continue;
    found.set(name, { address: u64(symbols, at + 8), size: u64(symbols, at + 16) });
  }
  return found;
}

/** Past 2^53 it becomes inexact, which is harmless: that lies outside any file. */
const u64 = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
