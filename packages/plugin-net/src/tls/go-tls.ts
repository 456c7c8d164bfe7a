// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import { type ElfFile, GoProgram } from "@skep/executables";

/**
 * Methods of `crypto/tls.Conn`, with the programs at their entry and at each return. A Write is told at its entry: it writes
 * everything or the connection is done for. A handshake happens once; `Handshake` and its kin only ask whether it has.
 */
const methods = [
  { name: "crypto/tls.(*Conn).Read", entry: "go_read", exit: "go_read_ret" },
  { name: "crypto/tls.(*Conn).Write", entry: "go_write" },
  { name: "crypto/tls.(*Conn).clientHandshake", entry: "go_shake", exit: "go_shake_ret" },
  { name: "crypto/tls.(*Conn).serverHandshake", entry: "go_shake", exit: "go_shake_ret" },
] as const;
const [read, write] = methods;

/**
 * Probes of the `crypto/tls` in a Go program; none when it is no Go program, or has no `crypto/tls`.
 *
 * Returns are probed where they are: a return probe changes the return address on the stack, which the Go runtime reads to move
 * stacks and collect garbage, and would crash the program.
 *
 * @throws RangeError when the program's table cannot be read for certain
 */
export function goTlsProbes(elf: ElfFile): readonly FileProbe[] {
  const program = GoProgram.of(elf);
  const functions = program?.find(methods.map(({ name }) => name));
  if (program === undefined || !functions?.has(read.name) || !functions.has(write.name)) return [];
  const probeAt = (name: string, address: number): FileProbe => ({
    program: name,
    kind: "uprobe",
    offset: BigInt(elf.offsetOf(address)),
  });
  return methods.flatMap((method) => {
    const code = functions.get(method.name);
    if (code === undefined) return [];
    const exits = "exit" in method ? code.returns.map((address) => probeAt(method.exit, address)) : [];
    return [probeAt(method.entry, program.entryOf(code)), ...exits];
  });
}
