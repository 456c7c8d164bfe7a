// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import { type ElfFile, type ElfFunction, emulatedSite, LONGEST_WAY } from "@skep/executables";

/** BPF programs of bpf/tls.bpf.h that are put into C libraries. */
export type CallProgram =
  "tls_read" | "tls_read_ex" | "tls_write" | "tls_write_ex" | "tls_write_ex2" | "tls_handshake" | "tls_free";

/** How many arguments a program looks at: the instructions before its probe must leave these alone. */
export const argumentsOf: Readonly<Record<CallProgram, number>> = {
  tls_read: 3,
  tls_read_ex: 4,
  tls_write: 3,
  tls_write_ex: 4,
  tls_write_ex2: 5,
  tls_handshake: 1,
  tls_free: 1,
};

/** A function whose call and return are probed (of `tls_free` only the call). */
export interface Call {
  readonly program: CallProgram;
  /** Virtual address of its first byte. */
  readonly address: number;
}

/** The probes of a call, at the cheapest place that counts as its entry. @throws RangeError when no byte of the file is there */
export function probesOf(elf: ElfFile, { program, address }: Call): readonly FileProbe[] {
  const offset = BigInt(elf.offsetOf(address + (cheapSite(elf, program, address) ?? 0)));
  const entry: FileProbe = { program, kind: "uprobe", offset };
  return program === "tls_free" ? [entry] : [entry, { program: "tls_return", kind: "uretprobe", offset }];
}

/** Bytes from a function's beginning to where its probe costs one trap only; undefined when there is no such place. */
export function cheapSite(elf: ElfFile, program: CallProgram, address: number): number | undefined {
  return elf.machine === "x64"
    ? emulatedSite(elf.bytesAt(address, LONGEST_WAY), argumentsOf[program])
    : // Instructions have one length here, and which ones the kernel emulates is no matter of the prologue.
      undefined;
}

/** The functions of a library that are there, with the program each gets. */
export function callsTo(
  functions: ReadonlyMap<string, ElfFunction>,
  programs: Readonly<Record<string, CallProgram>>,
): readonly Call[] {
  return Object.entries(programs).flatMap(([name, program]) => {
    const found = functions.get(name);
    return found === undefined ? [] : [{ program, address: found.address }];
  });
}
