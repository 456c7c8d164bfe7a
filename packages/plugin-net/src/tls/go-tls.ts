// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import type { ElfFile } from "./elf-file.js";
import { type GoFunction, GoLineTable, type Stretch } from "./go-line-table.js";
import { fileOffset } from "./places.js";
import { emulatedSite, LONGEST_WAY } from "./probe-site.js";

/**
 * Methods of `crypto/tls.Conn`, with the programs at their entry and at each return. A Write is told at its entry: it writes
 * everything or the connection is done for. A handshake happens once; `Handshake` and its kin only ask whether it has.
 */
const methods = [
  { name: "Read", entry: "go_read", exit: "go_read_ret" },
  { name: "Write", entry: "go_write" },
  { name: "clientHandshake", entry: "go_shake", exit: "go_shake_ret" },
  { name: "serverHandshake", entry: "go_shake", exit: "go_shake_ret" },
] as const;

/** Where the linker puts the line table; in position-independent programs among what is relocated. */
const tableSections = [".gopclntab", ".data.rel.ro.gopclntab"] as const;

export const isGo = (elf: ElfFile): boolean => tableSections.some((section) => elf.has(section));

/**
 * Probes of the `crypto/tls` in a Go program; none when it has no `crypto/tls`.
 *
 * Returns are probed where they are: a return probe changes the return address on the stack, which the Go runtime reads to move
 * stacks and collect garbage, and would crash the program.
 *
 * @throws RangeError when the program's table cannot be read for certain
 */
export function goTlsProbes(elf: ElfFile): readonly FileProbe[] {
  const table = new GoLineTable(tableSections.map((name) => elf.section(name)).find((bytes) => bytes !== undefined)!);
  const found = methods.flatMap((method) => {
    const fn = table.find(`crypto/tls.(*Conn).${method.name}`);
    return fn === undefined ? [] : [{ method, fn }];
  });
  if (!["Read", "Write"].every((name) => found.some(({ method }) => method.name === name))) return [];
  const text = textStart(
    elf,
    table,
    found.map(({ fn }) => fn),
  );
  return found.flatMap(({ method, fn }) => {
    const start = text + fn.start;
    const way = elf.machine === "x64" ? emulatedSite(elf.bytesAt(start, LONGEST_WAY), 0) : undefined;
    const entry: FileProbe = { program: method.entry, kind: "uprobe", offset: fileOffset(elf, start + (way ?? 0)) };
    if (!("exit" in method)) return [entry];
    const exits = returnsOf(elf, text, fn).map((address): FileProbe => ({
      program: method.exit,
      kind: "uprobe",
      offset: fileOffset(elf, address),
    }));
    return [entry, ...exits];
  });
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
function textStart(elf: ElfFile, table: GoLineTable, functions: readonly GoFunction[]): number {
  const returns = functions.flatMap(({ frameless }) => frameless.slice(1, -1));
  const fits = (text: number) => returns.every((stretch) => isReturn(elf, text, stretch));
  const section = elf.rangeOf(".text");
  const candidates = [table.text, ...(section ? [section.start] : [])];
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
