// SPDX-License-Identifier: MIT

/** Where in the runtime's `g`, of which each goroutine has one, its members are: bytes from its beginning. */
export interface GoroutineOffsets {
  readonly goid: number;
  /** Id of the goroutine that created it. Undefined: not found, and before Go 1.21 there is none. */
  readonly parentGoid: number | undefined;
}

/** Functions of the runtime that use these members. */
export const witnesses = ["newproc1", "printcreatedby", "goroutineheader"] as const;

/** Their machine code (x86-64). */
export type RuntimeCode = Readonly<Record<(typeof witnesses)[number], Uint8Array>>;

/**
 * Finds the members in what the runtime does with them. The layout of `g` changes between versions of Go, even minor ones, and
 * stripped programs say nothing of it; but each program holds the code that uses it:
 *
 * - `printcreatedby(gp)` compares `gp.goid` with 1, since nobody created the main goroutine, and prints `gp.parentGoid`;
 * - `goroutineheader(gp)` prints `gp.goid`;
 * - `newproc1` stores a new goroutine's `goid`, and the creator's `goid` as `parentGoid`.
 *
 * A member is the one offset on which all of them agree. Undefined when there is none, or more than one: an id that may be
 * another member's value is of no use.
 */
export function goroutineOffsets({
  newproc1,
  printcreatedby,
  goroutineheader,
}: RuntimeCode): GoroutineOffsets | undefined {
  const created = [...accesses(newproc1)];
  const printed = [...accesses(printcreatedby)];
  const isLoaded = (by: readonly Access[], offset: number) =>
    by.some((access) => access.kind === "load" && access.offset === offset);
  const headed = [...accesses(goroutineheader)];

  const goid = onlyOne(
    printed
      .filter(({ kind }) => kind === "isOne")
      .map(({ offset }) => offset)
      .filter((offset) => isLoaded(headed, offset))
      .filter((offset) => created.some((access) => access.kind === "store" && access.offset === offset)),
  );
  if (goid === undefined) return undefined;
  const parentGoid = onlyOne(
    created
      .filter((access) => access.kind === "load" && access.offset === goid)
      .map((load) => created.find((store) => isCopy(load, store))?.offset)
      .filter((offset) => offset !== undefined && offset !== goid && isLoaded(printed, offset)),
  );
  return { goid, parentGoid };
}

/** An instruction of eight bytes' width that has to do with a member of a structure. */
interface Access {
  /** `isOne`: compares it with 1. */
  readonly kind: "load" | "store" | "isOne";
  /** Of the member in the structure. */
  readonly offset: number;
  /** That is loaded or stored. */
  readonly register: number;
  /** Where in the code it begins. */
  readonly at: number;
}

/** What is loaded is stored soon, before the register has another value: it is the first store of that register. */
const LONGEST_COPY = 24;
const isCopy = (load: Access, { kind, register, at }: Access): boolean =>
  kind === "store" && register === load.register && at > load.at && at <= load.at + LONGEST_COPY;

const kinds: ReadonlyMap<number, Access["kind"]> = new Map([
  [0x8b, "load"],
  [0x89, "store"],
  [0x83, "isOne"],
]);
/** Of opcode 0x83: which operation it is. */
const COMPARE = 7;
/** Whether a base register is encoded in a byte of its own, and that this byte says nothing else. */
const [NEEDS_SIB, PLAIN_SIB] = [4, 0x24];
/** A `g` has some 450 bytes. */
const LARGEST_OFFSET = 2_048;

/**
 * All that reads as such an instruction, wherever it begins: without a disassembler some of it is the inside of another one. Who
 * asks needs several functions to agree.
 */
function* accesses(code: Uint8Array): Generator<Access> {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  for (let at = 0; at + 8 <= code.length; at++) {
    const [prefix, opcode, operands] = [code[at]!, code[at + 1]!, code[at + 2]!];
    const kind = kinds.get(opcode);
    const isWide = (prefix & 0xf8) === 0x48;
    if (!isWide || kind === undefined) continue;
    const mode = operands >> 6;
    const register = ((operands >> 3) & 7) + (prefix & 4 ? 8 : 0);
    const hasSib = (operands & 7) === NEEDS_SIB;
    if ((mode !== 1 && mode !== 2) || (hasSib && code[at + 3] !== PLAIN_SIB)) continue;
    const offsetAt = at + 3 + (hasSib ? 1 : 0);
    const end = offsetAt + (mode === 1 ? 1 : 4);
    if (end > code.length) continue;
    const offset = mode === 1 ? view.getInt8(offsetAt) : view.getInt32(offsetAt, true);
    if (offset <= 0 || offset > LARGEST_OFFSET || offset % 8 !== 0) continue;
    if (kind === "isOne" && (register !== COMPARE || code[end] !== 1)) continue;
    yield { kind, offset, register, at };
  }
}

function onlyOne<T>(found: readonly (T | undefined)[]): T | undefined {
  const different = new Set(found);
  return different.size === 1 ? [...different][0] : undefined;
}
