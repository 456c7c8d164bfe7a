// SPDX-License-Identifier: MIT

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { SkepError } from "../errors.js";
import { BoundedReader } from "../btf/bounded-reader.js";

const MAGIC = 0x464c457f;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const HEADER = 64;
const PROGRAM_HEADER = 56;
const PT_LOAD = 1;
const SECTION_HEADER = 64;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SYMBOL = 24;
const STT_FUNC = 2;
/** Bytes. Files are whatever somebody runs, and a sparse one may claim tables of any size. */
const largestPart = 2 ** 28;

/**
 * Where functions lie in an executable or shared library: bytes from the start of the file, as probes need them. Names that the
 * file does not define as functions are absent. What is exported (`.dynsym`) is looked through first; the full symbol table,
 * which can have a hundred times its size, only for the rest. Other parts of the file are not read.
 *
 * @throws SkepError `SKEP_ERR_OBJECT` when it is no 64-bit ELF file; an error of node:fs when it cannot be read.
 */
export function functionOffsets(path: string, names: Iterable<string>): ReadonlyMap<string, bigint> {
  const missing = new Set(names);
  const found = new Map<string, bigint>();
  const file = new ElfFile(path);
  try {
    const sections = file.sections();
    for (const type of [SHT_DYNSYM, SHT_SYMTAB]) {
      const table = sections.find((section) => section.type === type);
      const strings = table && sections[table.link];
      if (table === undefined || strings === undefined || missing.size === 0) continue;
      for (const [name, address] of functionsIn(file.read(table), file.read(strings), missing)) {
        const offset = file.offsetOf(address);
        if (offset === undefined) continue;
        found.set(name, offset);
        missing.delete(name);
      }
    }
  } finally {
    file.close();
  }
  return found;
}

/** Virtual addresses of functions, by name; of equal names the first. */
function functionsIn(table: Uint8Array, strings: Uint8Array, names: ReadonlySet<string>): ReadonlyMap<string, bigint> {
  const nameAt = new Map<number, string>();
  const text = Buffer.from(strings.buffer, strings.byteOffset, strings.length);
  for (const name of names) {
    // A name may be the tail of a longer one, which linkers store once.
    for (let at = text.indexOf(`${name}\0`); at >= 0; at = text.indexOf(`${name}\0`, at + 1)) nameAt.set(at, name);
  }
  const found = new Map<string, bigint>();
  if (nameAt.size === 0) return found;
  const words = new Uint32Array(table.buffer, table.byteOffset, Math.floor(table.length / SYMBOL) * (SYMBOL / 4));
  for (let at = 0; at < words.length; at += SYMBOL / 4) {
    const name = nameAt.get(words[at]!);
    if (name === undefined || found.has(name)) continue;
    const info = words[at + 1]!;
    const isDefined = info >>> 16 !== 0;
    if ((info & 0xf) !== STT_FUNC || !isDefined) continue;
    found.set(name, (BigInt(words[at + 3]!) << 32n) | BigInt(words[at + 2]!));
  }
  return found;
}

interface Part {
  readonly offset: number;
  readonly size: number;
}

interface Section extends Part {
  readonly type: number;
  readonly link: number;
}

class ElfFile {
  readonly #fd: number;
  readonly #size: number;
  readonly #header: BoundedReader;
  #segments: BoundedReader | undefined;

  constructor(private readonly path: string) {
    this.#fd = openSync(path, "r");
    try {
      this.#size = fstatSync(this.#fd).size;
      this.#header = new BoundedReader(this.read({ offset: 0, size: HEADER }), path);
      const isElf = this.#header.u32(0) === MAGIC;
      if (!isElf || this.#header.u8(4) !== CLASS_64 || this.#header.u8(5) !== LITTLE_ENDIAN) {
        throw unprobed(path, "only 64-bit little-endian ELF files can be probed");
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  sections(): readonly Section[] {
    const count = this.#header.u16(0x3c);
    const headers = this.#reader({ offset: this.#header.u64(0x28), size: count * SECTION_HEADER });
    return Array.from({ length: count }, (_, index) => {
      const at = index * SECTION_HEADER;
      return {
        type: headers.u32(at + 4),
        link: headers.u32(at + 40),
        offset: headers.u64(at + 24),
        size: headers.u64(at + 32),
      };
    });
  }

  /** Which byte of the file is mapped at a virtual address; undefined when none is. */
  offsetOf(address: bigint): bigint | undefined {
    const count = this.#header.u16(0x38);
    this.#segments ??= this.#reader({ offset: this.#header.u64(0x20), size: count * PROGRAM_HEADER });
    for (let at = 0; at < count * PROGRAM_HEADER; at += PROGRAM_HEADER) {
      if (this.#segments.u32(at) !== PT_LOAD) continue;
      const [offset, start, size] = [8, 16, 32].map((field) => BigInt(this.#segments!.u64(at + field)));
      if (address >= start! && address < start! + size!) return address - start! + offset!;
    }
    return undefined;
  }

  read({ offset, size }: Part): Uint8Array {
    if (offset + size > this.#size) throw unprobed(this.path, `it ends before byte ${offset + size}`);
    if (size > largestPart) throw unprobed(this.path, `a table of ${size} bytes is too large to be looked through`);
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const count = readSync(this.#fd, bytes, done, size - done, offset + done);
      if (count === 0) throw unprobed(this.path, "it became shorter");
      done += count;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #reader(part: Part): BoundedReader {
    return new BoundedReader(this.read(part), this.path);
  }
}

const unprobed = (path: string, detail: string) => new SkepError("SKEP_ERR_OBJECT", `${path}: ${detail}`);
