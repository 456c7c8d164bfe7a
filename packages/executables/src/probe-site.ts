// SPDX-License-Identifier: MIT

/**
 * Where in a function of x86-64 the kernel is asked to stop.
 *
 * A probe replaces an instruction by a breakpoint, and what it replaced must still be done: the kernel either knows its effect
 * (`push`, jumps, calls, `nop`), or lets the processor do that one instruction and stop again, which costs a second trap, the
 * dearer one (ten times the first where the machine is virtual). So a probe goes to the first instruction whose effect the kernel
 * knows, if nothing on the way there touches the arguments or the stack pointer: to a probe it is the function's entry all the
 * same, return probes included.
 *
 * Only what compilers are known to begin functions with is decoded; at anything else the answer is undefined, and the probe
 * belongs on the function's first byte.
 *
 * arch/x86/kernel/uprobes.c, branch_setup_xol_ops (3.16) and push_setup_xol_ops (4.16), says what is known.
 */
export function emulatedSite(code: Uint8Array, argumentsUsed: number): number | undefined {
  for (let at = 0; at < code.length && at < LONGEST_WAY;) {
    if (isEmulated(code, at)) return at;
    const length = harmlessLength(code, at, argumentsUsed);
    if (length === 0) return undefined;
    at += length;
  }
  return undefined;
}

/** Bytes of a function's beginning worth reading. */
export const LONGEST_WAY = 32;

/** Register numbers of the arguments, in order: rdi, rsi, rdx, rcx, r8, r9. */
const argumentRegisters = [7, 6, 2, 1, 8, 9];
const RSP = 4;

function isEmulated(code: Uint8Array, at: number): boolean {
  const isPush = (opcode: number | undefined) => opcode !== undefined && opcode >= 0x50 && opcode <= 0x57;
  const opcode = code[at]!;
  if (opcode === 0x41) return isPush(code[at + 1]);
  if (opcode === 0x0f) return code[at + 1] !== undefined && code[at + 1]! >= 0x80 && code[at + 1]! <= 0x8f;
  const isShortJump = opcode >= 0x70 && opcode <= 0x7f;
  return isPush(opcode) || isShortJump || opcode === 0x90 || opcode === 0xe8 || opcode === 0xe9 || opcode === 0xeb;
}

/** Length of an instruction that changes neither an argument nor the stack pointer; 0 for any other and for unknown ones. */
function harmlessLength(code: Uint8Array, at: number, argumentsUsed: number): number {
  // endbr64
  if (code[at] === 0xf3 && code[at + 1] === 0x0f && code[at + 2] === 0x1e && code[at + 3] === 0xfa) return 4;
  const hasRex = (code[at]! & 0xf0) === 0x40;
  const rex = hasRex ? code[at]! : 0;
  const start = at + (hasRex ? 1 : 0);
  const opcode = code[start];
  const operands = operandsAt(code, start + 1, rex);
  if (opcode === undefined || operands === undefined) return 0;
  const { length, register, target } = operands;
  const keeps = (written: number) =>
    written !== RSP && !argumentRegisters.slice(0, argumentsUsed).includes(written) && written !== -1;
  const upToOperands = start + 1 + length - at;
  switch (opcode) {
    // cmp and test write flags only.
    case 0x38:
    case 0x39:
    case 0x3a:
    case 0x3b:
    case 0x84:
    case 0x85:
      return upToOperands;
    // cmp with a constant: group 1, /7
    case 0x80:
    case 0x83:
      return (register & 7) === 7 ? upToOperands + 1 : 0;
    case 0x81:
      return (register & 7) === 7 ? upToOperands + 4 : 0;
    // test with a constant: group 3, /0
    case 0xf6:
      return (register & 7) === 0 ? upToOperands + 1 : 0;
    // xor and mov to a register, not to memory.
    case 0x31:
    case 0x89:
      return keeps(target) ? upToOperands : 0;
    // xor, mov and lea: the register they write is the other operand.
    case 0x33:
    case 0x8b:
    case 0x8d:
      return keeps(register) ? upToOperands : 0;
    default:
      return 0;
  }
}

interface Operands {
  /** Bytes of ModRM, SIB and displacement. */
  readonly length: number;
  readonly register: number;
  /** The other operand when it is a register; -1 when it is memory. */
  readonly target: number;
}

function operandsAt(code: Uint8Array, at: number, rex: number): Operands | undefined {
  const modrm = code[at];
  if (modrm === undefined) return undefined;
  const [mode, rm] = [modrm >> 6, modrm & 7];
  const register = ((modrm >> 3) & 7) + (rex & 4 ? 8 : 0);
  if (mode === 3) return { length: 1, register, target: rm + (rex & 1 ? 8 : 0) };
  const hasSib = rm === 4;
  const sib = code[at + 1];
  if (hasSib && sib === undefined) return undefined;
  const isAbsolute = mode === 0 && (rm === 5 || (hasSib && (sib! & 7) === 5));
  const displacement = mode === 1 ? 1 : mode === 2 || isAbsolute ? 4 : 0;
  return { length: 1 + (hasSib ? 1 : 0) + displacement, register, target: -1 };
}
