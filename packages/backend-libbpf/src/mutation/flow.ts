// SPDX-License-Identifier: MIT

import { Alu, Call, Class, Instructions, Jump, LOAD_IMMEDIATE_64 } from "./instructions.js";

const REGISTERS = 11;
const FRAME_POINTER = 10;
/** Register operand instead of an immediate. */
const FROM_REGISTER = 0x8;
/** Size bits of a load or store: 64 bits. */
const DOUBLE_WORD = 0x18;

/** What a simple walk over all paths of a program can tell. Numbers are instruction indexes. */
export interface Flow {
  /** Exits where the result is not proven to be the constant 1. */
  readonly otherResults: readonly number[];
  /** Stores through the pointer to the program's context: into a packet's mark, a socket address, a sockops reply. */
  readonly contextStores: readonly number[];
  /** Calls of the program's own functions (not inlined) that are handed the context. */
  readonly contextPassed: readonly number[];
}

/** What may be known where several paths meet. */
class State {
  /** Bit r: register r may point into the context. */
  context = 1 << 1;
  readonly constants: (number | undefined)[] = new Array<number | undefined>(REGISTERS).fill(undefined);
  /** Offsets from the frame pointer where the context's pointer may be kept. */
  stack = new Set<number>();

  copy(): State {
    const copy = new State();
    copy.context = this.context;
    this.constants.forEach((value, register) => (copy.constants[register] = value));
    copy.stack = new Set(this.stack);
    return copy;
  }

  /** Widens this by what another path brings. True when something changed. */
  join(other: State): boolean {
    const before = this.context + this.stack.size * 2 ** REGISTERS;
    let changed = false;
    this.context |= other.context;
    for (const slot of other.stack) this.stack.add(slot);
    this.constants.forEach((value, register) => {
      if (value === undefined || value === other.constants[register]) return;
      this.constants[register] = undefined;
      changed = true;
    });
    return changed || before !== this.context + this.stack.size * 2 ** REGISTERS;
  }

  set(register: number, context: boolean, constant?: number): void {
    this.context = context ? this.context | (1 << register) : this.context & ~(1 << register);
    this.constants[register] = constant;
  }

  isContext(register: number): boolean {
    return ((this.context >> register) & 1) === 1;
  }
}

/**
 * Follows constants and the context's pointer through registers and stack along every path.
 * Best effort and on the safe side for results: what is not proven counts as "other".
 */
export function analyseFlow(bytes: Uint8Array): Flow {
  const program = new Instructions(bytes);
  const entries = new Map<number, State>([[0, new State()]]);
  const targets = jumpTargets(program);
  const work = [0];
  const found = { otherResults: new Set<number>(), contextStores: new Set<number>(), contextPassed: new Set<number>() };

  const enter = (at: number, state: State): void => {
    if (at < 0 || at >= program.length) return; // the verifier will say so
    const known = entries.get(at);
    if (known === undefined) entries.set(at, state.copy());
    else if (!known.join(state)) return;
    work.push(at);
  };

  for (let from = work.pop(); from !== undefined; from = work.pop()) {
    const state = entries.get(from)!.copy();
    for (let at = from; at < program.length;) {
      if (at !== from && targets.has(at)) {
        enter(at, state);
        break;
      }
      const opcode = program.opcode(at);
      const target = jumpTarget(program, at);
      if (target !== undefined) {
        enter(target, state);
        if (opcode >> 4 === Jump.ALWAYS) break;
      } else if (opcode === (Class.JMP | (Jump.EXIT << 4))) {
        if (state.constants[0] !== 1) found.otherResults.add(at);
        break;
      } else if (opcode === (Class.JMP | (Jump.CALL << 4))) {
        const handed = [1, 2, 3, 4, 5].some((register) => state.isContext(register));
        if (program.source(at) === Call.FUNCTION && handed) found.contextPassed.add(at);
        for (let register = 0; register <= 5; register++) state.set(register, false);
      } else if (step(program, at, state)) {
        found.contextStores.add(at);
      }
      at += opcode === LOAD_IMMEDIATE_64 ? 2 : 1;
    }
  }
  const sorted = (set: Set<number>) => [...set].sort((a, b) => a - b);
  return {
    otherResults: sorted(found.otherResults),
    contextStores: sorted(found.contextStores),
    contextPassed: sorted(found.contextPassed),
  };
}

/** Where a jump goes; undefined for what is no jump, and for calls and exits. */
function jumpTarget(program: Instructions, at: number): number | undefined {
  const opcode = program.opcode(at);
  const kind = opcode & 7;
  if (kind !== Class.JMP && kind !== Class.JMP32) return undefined;
  const operation = opcode >> 4;
  if (operation === Jump.CALL || operation === Jump.EXIT) return undefined;
  // `gotol`: an always-jump of class JMP32 carries its distance in the immediate.
  const long = kind === Class.JMP32 && operation === Jump.ALWAYS;
  return at + 1 + (long ? program.immediate(at) : program.offset(at));
}

function jumpTargets(program: Instructions): Set<number> {
  const targets = new Set<number>();
  for (let at = 0; at < program.length; at += program.opcode(at) === LOAD_IMMEDIATE_64 ? 2 : 1) {
    const target = jumpTarget(program, at);
    if (target !== undefined) targets.add(target);
  }
  return targets;
}

/** One instruction that neither jumps nor calls. True when it stores through the context's pointer. */
function step(program: Instructions, at: number, state: State): boolean {
  const opcode = program.opcode(at);
  const to = program.destination(at);
  const from = program.source(at);
  switch (opcode & 7) {
    case Class.LD:
      // LD_ABS and LD_IND give their result in r0 whatever the destination says.
      state.set(opcode === LOAD_IMMEDIATE_64 ? to : 0, false);
      return false;
    case Class.LDX:
      state.set(to, from === FRAME_POINTER && state.stack.has(program.offset(at)));
      return false;
    case Class.ST:
    case Class.STX:
      if (to === FRAME_POINTER) {
        const kept = (opcode & 7) === Class.STX && (opcode & DOUBLE_WORD) === DOUBLE_WORD && state.isContext(from);
        if (kept) state.stack.add(program.offset(at));
        else state.stack.delete(program.offset(at));
        return false;
      }
      return state.isContext(to);
    default: {
      const operation = opcode >> 4;
      const register = (opcode & FROM_REGISTER) !== 0;
      if (operation === Alu.MOV) {
        const constant = register ? state.constants[from] : program.immediate(at);
        state.set(to, register && state.isContext(from), constant);
      } else {
        const moves = operation === Alu.ADD || operation === Alu.SUB;
        const base = state.isContext(to) || (register && state.isContext(from));
        state.set(to, moves && base);
      }
      return false;
    }
  }
}
