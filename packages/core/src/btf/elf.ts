// SPDX-License-Identifier: MIT

import { BoundedReader, malformed } from "./bounded-reader.js";

const MAGIC = 0x464c457f;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SECTION_HEADER = 64;
const SYMBOL = 24;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly link: number;
  /** Shares memory with the file; empty for sections without bytes in the file (`.bss`). */
  readonly bytes: Uint8Array;
}

/** A symbol of an object file. */
export interface ElfSymbol {
  readonly name: string;
  /** Name of the section it lies in; empty for absolute and undefined symbols. */
  readonly section: string;
  /** Bytes from the start of that section. */
  readonly offset: number;
  readonly size: number;
}

/**
 * Sections of a 64-bit little-endian ELF file by name, sharing memory with `bytes`; of equal names the first.
 * Sections that take no room in the file (`.bss`) are empty.
 * @throws SkepError `SKEP_ERR_OBJECT` when the file is no such ELF or points outside itself.
 */
export function readElfSections(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const byName = new Map<string, Uint8Array>();
  for (const section of sectionsOf(new BoundedReader(bytes, "ELF file"))) {
    if (!byName.has(section.name)) byName.set(section.name, section.bytes);
  }
  return byName;
}

/**
 * Named symbols of the symbol table, in its order.
 * @throws SkepError `SKEP_ERR_OBJECT` as {@link readElfSections}.
 */
export function readElfSymbols(bytes: Uint8Array): readonly ElfSymbol[] {
  const sections = sectionsOf(new BoundedReader(bytes, "ELF file"));
  const table = sections.find((section) => section.type === SHT_SYMTAB);
  if (table === undefined) return [];
  const names = sections[table.link];
  if (names === undefined) throw malformed("ELF file", `its symbol table has no names (section ${table.link})`);
  const symbols = new BoundedReader(table.bytes, "ELF symbol table");
  const strings = new BoundedReader(names.bytes, "ELF symbol names");
  const found: ElfSymbol[] = [];
  for (let at = 0; at + SYMBOL <= symbols.length; at += SYMBOL) {
    const name = symbols.u32(at);
    if (name === 0) continue;
    found.push({
      name: strings.name(name),
      section: sections[symbols.u16(at + 6)]?.name ?? "",
      offset: symbols.u64(at + 8),
      size: symbols.u64(at + 16),
    });
  }
  return found;
}

function sectionsOf(file: BoundedReader): readonly Section[] {
  if (file.u32(0) !== MAGIC) throw malformed("ELF file", "it does not begin with the ELF magic");
  if (file.u8(4) !== CLASS_64 || file.u8(5) !== LITTLE_ENDIAN) {
    throw malformed("ELF file", "only 64-bit little-endian files are read");
  }
  const table = file.u64(0x28);
  const entrySize = file.u16(0x3a);
  const count = file.u16(0x3c);
  const namesIndex = file.u16(0x3e);
  if (count === 0) return [];
  if (entrySize !== SECTION_HEADER) throw malformed("ELF file", `section headers of ${entrySize} bytes`);
  if (namesIndex >= count) throw malformed("ELF file", `section ${namesIndex} for names, of ${count}`);

  const headerAt = (index: number): number => table + index * SECTION_HEADER;
  const contentOf = (at: number): Uint8Array =>
    file.u32(at + 4) === SHT_NOBITS ? new Uint8Array(0) : file.slice(file.u64(at + 24), file.u64(at + 32));

  const names = new BoundedReader(contentOf(headerAt(namesIndex)), "ELF section names");
  return Array.from({ length: count }, (_, index) => {
    const at = headerAt(index);
    return {
      // The first header is all zeroes by definition and has no name.
      name: index === 0 ? "" : names.name(file.u32(at)),
      type: file.u32(at + 4),
      link: file.u32(at + 40),
      bytes: index === 0 ? new Uint8Array(0) : contentOf(at),
    };
  });
}
