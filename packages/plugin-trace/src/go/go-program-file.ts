// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import { ElfFile, type GoCode, GoProgram, type Stretch } from "@skep/executables";
import { type GoroutineOffsets, goroutineOffsets, type RuntimeCode, witnesses } from "./goroutine-offsets.js";

/** What a Go program's file says of its goroutines. */
export interface GoProgramFile {
  readonly offsets: GoroutineOffsets;
  /** Bytes of the file that are Go's code. */
  readonly text: Stretch;
  readonly probes: readonly FileProbe[];
}

/** Functions that are probed at their entry, the last one last: before it, nothing is known of who made a goroutine. */
const entries = {
  "net/http.(*persistConn).roundTrip": "go_http_ask",
  "net/http.persistConnWriter.Write": "go_http_write",
  "google.golang.org/grpc/internal/transport.(*controlBuffer).executeAndPut": "go_grpc_put",
  "google.golang.org/grpc/internal/transport.(*loopyWriter).writeHeader": "go_grpc_headers",
  "runtime.goexit1": "go_ended",
} as const;

/**
 * A `go` statement makes its goroutine in this closure, which then puts it into a queue: `runqput(p, g, true)`. The call is
 * probed, because the kernel knows the effect of a call by itself; a probe on newproc1's return instruction, which the processor
 * has to execute apart, costs more than ten times as much.
 */
const [CREATOR, QUEUE] = ["runtime.newproc.func1", "runtime.runqput"];

/**
 * Undefined when the file is no Go program.
 * @throws RangeError saying why when its goroutines cannot be told apart for certain
 */
export function readGoProgram(path: string): GoProgramFile | undefined {
  const elf = new ElfFile(path);
  try {
    const program = GoProgram.of(elf);
    if (program === undefined) return undefined;
    if (elf.machine !== "x64") throw new RangeError(`the code of ${elf.machine} is not understood`);
    const runtime = witnesses.map((name) => `runtime.${name}`);
    const functions = program.find([...runtime, ...Object.keys(entries), CREATOR, QUEUE]);
    const offsets = goroutineOffsets(codeOf(elf, functions));
    if (offsets === undefined) throw new RangeError("where a goroutine's id lies is not certain");
    const { start, end } = program.text;
    return {
      offsets,
      text: { start: elf.offsetOf(start), end: elf.offsetOf(start) + end - start },
      probes: probesOf(elf, program, functions, offsets),
    };
  } finally {
    elf.close();
  }
}

function codeOf(elf: ElfFile, functions: ReadonlyMap<string, GoCode>): RuntimeCode {
  const code = (name: (typeof witnesses)[number]) => {
    const found = functions.get(`runtime.${name}`);
    if (found === undefined) throw new RangeError(`its runtime has no function ${name}`);
    return elf.bytesAt(found.start, found.end - found.start);
  };
  return {
    newproc1: code("newproc1"),
    printcreatedby: code("printcreatedby"),
    goroutineheader: code("goroutineheader"),
  };
}

function probesOf(
  elf: ElfFile,
  program: GoProgram,
  functions: ReadonlyMap<string, GoCode>,
  { parentGoid }: GoroutineOffsets,
): readonly FileProbe[] {
  const probeAt = (name: string, address: number): FileProbe => ({
    program: name,
    kind: "uprobe",
    offset: BigInt(elf.offsetOf(address)),
  });
  const atEntry = Object.entries(entries).flatMap(([name, bpfProgram]) => {
    const code = functions.get(name);
    return code === undefined ? [] : [probeAt(bpfProgram, program.entryOf(code))];
  });
  const [creator, queue] = [functions.get(CREATOR), functions.get(QUEUE)];
  const created = creator && queue && onlyCall(elf, creator, queue);
  if (parentGoid === undefined || created === undefined) return atEntry.filter((probe) => probe.program !== "go_ended");
  return [...atEntry, probeAt("go_created", created)];
}

/** `call` with a distance of four bytes. */
const [CALL, CALL_LENGTH] = [0xe8, 5];

/** Where a function calls another; undefined when it does not do so in exactly one place. */
function onlyCall(elf: ElfFile, { start, end }: GoCode, callee: GoCode): number | undefined {
  const code = elf.bytesAt(start, end - start);
  const calls: number[] = [];
  for (let at = 0; at + CALL_LENGTH <= code.length; at++) {
    const after = start + at + CALL_LENGTH;
    if (code[at] === CALL && after + code.readInt32LE(at + 1) === callee.start) calls.push(start + at);
  }
  return calls.length === 1 ? calls[0] : undefined;
}
