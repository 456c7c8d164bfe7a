// SPDX-License-Identifier: MIT

/** Bytes of one instruction: opcode, registers, 16-bit offset, 32-bit immediate (RFC 9669). */
export const INSTRUCTION = 8;

/** Instruction classes: the low three bits of the opcode. */
export const Class = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
/** Jump operations: the high four bits of a jump's opcode. */
export const Jump = { ALWAYS: 0x0, CALL: 0x8, EXIT: 0x9 } as const;
/** Arithmetic operations: the high four bits. */
export const Alu = { ADD: 0x0, SUB: 0x1, MOV: 0xb } as const;
/** What the source register of a call says about its immediate. */
export const Call = { HELPER: 0, FUNCTION: 1, KFUNC: 2 } as const;
export const LOAD_IMMEDIATE_64 = 0x18;

/** Reads the instructions of one program or section in place. */
export class Instructions {
  readonly #view: DataView;
  readonly length: number;

  /** @param bytes Whole instructions, as `bpf_program__insns` or an ELF section has them. */
  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = Math.floor(bytes.byteLength / INSTRUCTION);
  }

  opcode(at: number): number {
    return this.#view.getUint8(at * INSTRUCTION);
  }

  destination(at: number): number {
    return this.#view.getUint8(at * INSTRUCTION + 1) & 0xf;
  }

  source(at: number): number {
    return this.#view.getUint8(at * INSTRUCTION + 1) >> 4;
  }

  offset(at: number): number {
    return this.#view.getInt16(at * INSTRUCTION + 2, true);
  }

  immediate(at: number): number {
    return this.#view.getInt32(at * INSTRUCTION + 4, true);
  }

  /** Numbers of the helpers that are called anywhere. */
  helpers(): Set<number> {
    const found = new Set<number>();
    for (let at = 0; at < this.length; at += this.opcode(at) === LOAD_IMMEDIATE_64 ? 2 : 1) {
      const isCall = this.opcode(at) === (Class.JMP | (Jump.CALL << 4));
      if (isCall && this.source(at) === Call.HELPER) found.add(this.immediate(at));
    }
    return found;
  }
}
