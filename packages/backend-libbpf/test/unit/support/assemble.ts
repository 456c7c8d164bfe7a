// SPDX-License-Identifier: MIT

/** One instruction in the kernel's layout. */
export const insn = (opcode: number, to = 0, from = 0, offset = 0, immediate = 0): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(opcode, 0);
  bytes.writeUInt8((from << 4) | to, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(immediate, 4);
  return bytes;
};

export const program = (...instructions: Buffer[]): Uint8Array => Buffer.concat(instructions);

export const move = (to: number, immediate: number) => insn(0xb7, to, 0, 0, immediate);
export const moveRegister = (to: number, from: number) => insn(0xbf, to, from);
export const add = (to: number, immediate: number) => insn(0x07, to, 0, 0, immediate);
export const addRegister = (to: number, from: number) => insn(0x0f, to, from);
export const load32 = (to: number, from: number, offset: number) => insn(0x61, to, from, offset);
export const load64 = (to: number, from: number, offset: number) => insn(0x79, to, from, offset);
export const store32 = (to: number, from: number, offset: number) => insn(0x63, to, from, offset);
export const store64 = (to: number, from: number, offset: number) => insn(0x7b, to, from, offset);
export const storeImmediate = (to: number, offset: number, immediate: number) => insn(0x62, to, 0, offset, immediate);
export const atomicAdd = (to: number, from: number, offset: number) => insn(0xc3, to, from, offset);
export const jump = (offset: number) => insn(0x05, 0, 0, offset);
export const longJump = (offset: number) => insn(0x06, 0, 0, 0, offset);
export const ifEqual = (register: number, immediate: number, offset: number) =>
  insn(0x15, register, 0, offset, immediate);
export const helper = (number: number) => insn(0x85, 0, 0, 0, number);
export const callFunction = () => insn(0x85, 0, 1, 0, -1);
export const loadMap = (to: number) => Buffer.concat([insn(0x18, to, 1, 0, 0), insn(0, 0, 0, 0, 0)]);
export const exit = () => insn(0x95);
