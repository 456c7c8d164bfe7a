// SPDX-License-Identifier: MIT

import type { ElfFile } from "./elf-file.js";
import { type GoFunction, GoLineTable, type Stretch } from "./go-line-table.js";
import { emulatedSite, LONGEST_WAY } from "./probe-site.js";

/** Where the linker puts the line table; in position-independent programs among what is relocated. */
const tableSections = [".gopclntab", ".data.rel.ro.gopclntab"] as const;

/** The code of a function, as virtual addresses. */
export interface GoCode extends Stretch {
  /** Its return instructions, in order. */
  readonly returns: readonly number[];
}

/** Functions of the runtime that return in several places, by which it is proved where the text begins. */
const witnesses: readonly string[] = [
  "runtime.newproc1",
  "runtime.findfunc",
  "runtime.gentraceback",
  "runtime.mallocgc",
];

/**
 * The functions of a Go program, stripped or not, whatever linked it.
 * @throws RangeError from any member when the program's table cannot be read for certain
 */
export class GoProgram {
  readonly #table: GoLineTable;
  #text: number | undefined;

  private constructor(
    private readonly elf: ElfFile,
    table: Buffer,
  ) {
    this.#table = new GoLineTable(table);
  }

  /** Undefined when the file is no Go program. */
  static of(elf: ElfFile): GoProgram | undefined {
    const table = tableSections.map((name) => elf.section(name)).find((bytes) => bytes !== undefined);
    return table && new GoProgram(elf, table);
  }

  /** All code that the Go compiler or assembler made; nothing of what is written in C. */
  get text(): Stretch {
    const { start, end } = this.#table.extent;
    const text = (this.#text ??= textStart(this.elf, this.#table.text, [...this.#table.find(witnesses).values()]));
    return { start: text + start, end: text + end };
  }

  /** Functions by their full names, such as `crypto/tls.(*Conn).Read`: those that the program has. */
  find(names: readonly string[]): ReadonlyMap<string, GoCode> {
    const found = this.#table.find([...names, ...witnesses]);
    const wanted = [...found].filter(([name]) => names.includes(name));
    if (wanted.length === 0) return new Map();
    const text = (this.#text ??= textStart(this.elf, this.#table.text, [...found.values()]));
    return new Map(
      wanted.map(([name, fn]) => {
        const returns = returnsOf(this.elf, text, fn);
        return [name, { start: text + fn.start, end: text + fn.end, returns }];
      }),
    );
  }

  /** The cheapest place that counts as a function's entry: no register and no stack has changed on the way there. */
  entryOf({ start }: GoCode): number {
    if (this.elf.machine !== "x64") return start;
    return start + (emulatedSite(this.elf.bytesAt(start, LONGEST_WAY), 0) ?? 0);
  }
}

const returnCode = { x64: Buffer.of(0xc3), arm64: Buffer.of(0xc0, 0x03, 0x5f, 0xd6) } as const;
const nopCode = { x64: Buffer.of(0x90), arm64: Buffer.of(0x1f, 0x20, 0x03, 0xd5) } as const;

/** Where a stretch without a frame returns; undefined when it begins with anything but a return, or nops and a return. */
function returnIn(elf: ElfFile, text: number, { start, end }: Stretch): number | undefined {
  const [ret, nop] = [returnCode[elf.machine], nopCode[elf.machine]];
  const code = elf.bytesAt(text + start, end - start);
  let at = 0;
  while (code.subarray(at, at + nop.length).equals(nop)) at += nop.length;
  return code.subarray(at, at + ret.length).equals(ret) ? text + start + at : undefined;
}

/**
 * Every stretch but the first is a return, and the last may be the code that grows the stack instead, or a return and that
 * code. So this must find one in all of them between the first and the last.
 */
const returnsOf = (elf: ElfFile, text: number, { frameless }: GoFunction): readonly number[] =>
  frameless
    .slice(1)
    .map((stretch) => returnIn(elf, text, stretch))
    .filter((address) => address !== undefined);

/** Whether a stretch is a return and nothing else. */
function isReturn(elf: ElfFile, text: number, stretch: Stretch): boolean {
  const address = returnIn(elf, text, stretch);
  return address !== undefined && address + returnCode[elf.machine].length === text + stretch.end;
}

/** C code that begins a program linked by a C compiler lies before Go's. */
const MOST_FOREIGN_CODE = 64 * 1024;
const TEXT_ALIGNMENT = 16;

/**
 * Where the addresses of the table count from. Its header says it up to Go 1.25 (but not in position-independent programs),
 * the section mostly. Either way it must be true: what the table says are returns must be returns.
 * @throws RangeError when nothing fits
 */
function textStart(elf: ElfFile, told: number, functions: readonly GoFunction[]): number {
  const returns = functions.flatMap(({ frameless }) => frameless.slice(1, -1));
  const fits = (text: number) => returns.every((stretch) => isReturn(elf, text, stretch));
  const section = elf.rangeOf(".text");
  const candidates = [told, ...(section ? [section.start] : [])];
  const found = candidates.find((text) => text > 0 && fits(text));
  if (found !== undefined) return found;
  for (
    let text = section?.start ?? Infinity;
    text < (section?.start ?? 0) + MOST_FOREIGN_CODE;
    text += TEXT_ALIGNMENT
  ) {
    if (fits(text)) return text;
  }
  throw new RangeError("its functions are not where its table says");
}
