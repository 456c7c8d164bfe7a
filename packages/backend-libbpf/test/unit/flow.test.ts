// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { analyseFlow } from "../../src/mutation/flow.js";
import {
  add,
  addRegister,
  atomicAdd,
  callFunction,
  exit,
  helper,
  ifEqual,
  insn,
  jump,
  load32,
  load64,
  loadMap,
  longJump,
  move,
  moveRegister,
  program,
  store32,
  store64,
  storeImmediate,
} from "./support/assemble.js";

test("a program that ends in the constant 1 on every path lets everything pass", (t) => {
  const flow = analyseFlow(
    program(load32(2, 1, 0), ifEqual(2, 5, 2), move(0, 1), exit(), move(6, 1), moveRegister(0, 6), exit()),
  );
  t.deepEqual(flow, { otherResults: [], contextStores: [], contextPassed: [] });
});

test("a path that returns 0 is found where it ends", (t) => {
  t.deepEqual(
    analyseFlow(program(load32(2, 1, 0), move(0, 1), ifEqual(2, 5, 1), move(0, 0), exit())).otherResults,
    [4],
  );
});

test("what a helper or a computation returns is not proven to be 1", (t) => {
  t.deepEqual(analyseFlow(program(helper(5), exit())).otherResults, [1]);
  t.deepEqual(analyseFlow(program(move(0, 0), add(0, 1), exit())).otherResults, [2]);
  t.deepEqual(analyseFlow(program(move(0, 1), callFunction(), exit())).otherResults, [2]);
});

test("loops come to rest", (t) => {
  const flow = analyseFlow(program(move(0, 1), move(2, 0), add(2, 1), ifEqual(2, 10, 1), jump(-3), exit()));
  t.deepEqual(flow.otherResults, []);
});

test("a constant that a loop changes is not taken for 1", (t) => {
  t.deepEqual(
    analyseFlow(program(move(0, 1), load32(2, 1, 0), ifEqual(2, 0, 2), move(0, 2), jump(-4), exit())).otherResults,
    [5],
  );
});

test("long jumps and two-slot loads are followed", (t) => {
  t.deepEqual(analyseFlow(program(loadMap(2), move(0, 1), longJump(1), move(0, 0), exit())).otherResults, []);
});

test("a store through the context is found, also through a copy, an offset or a spill", (t) => {
  const end = [move(0, 1), exit()];
  t.deepEqual(analyseFlow(program(store32(1, 2, 4), ...end)).contextStores, [0]);
  t.deepEqual(analyseFlow(program(storeImmediate(1, 4, 7), ...end)).contextStores, [0]);
  t.deepEqual(analyseFlow(program(atomicAdd(1, 2, 4), ...end)).contextStores, [0]);
  t.deepEqual(analyseFlow(program(moveRegister(6, 1), helper(5), store32(6, 0, 4), ...end)).contextStores, [2]);
  t.deepEqual(analyseFlow(program(moveRegister(6, 1), add(6, 8), store32(6, 0, 0), ...end)).contextStores, [2]);
  t.deepEqual(analyseFlow(program(move(3, 8), addRegister(3, 1), store32(3, 0, 0), ...end)).contextStores, [2]);
  t.deepEqual(
    analyseFlow(program(store64(10, 1, -8), helper(5), load64(7, 10, -8), store32(7, 0, 4), ...end)).contextStores,
    [3],
  );
});

test("stores into stack and map values are no stores into the context", (t) => {
  const flow = analyseFlow(
    program(
      store64(10, 1, -8), // spill, then reuse of the same slot
      store64(10, 2, -8),
      load64(3, 10, -8),
      store32(3, 2, 0),
      loadMap(1), // r1 is no context any more
      store32(1, 2, 0),
      moveRegister(6, 1),
      store32(6, 2, 0),
      move(0, 1),
      exit(),
    ),
  );
  t.deepEqual(flow.contextStores, []);
});

test("a register that is the context on one path only counts as the context", (t) => {
  const flow = analyseFlow(
    program(load32(2, 1, 0), loadMap(6), ifEqual(2, 0, 1), moveRegister(6, 1), store32(6, 2, 0), move(0, 1), exit()),
  );
  t.deepEqual(flow.contextStores, [5]);
});

test("the context handed to a function is reported, handed to a helper is not", (t) => {
  t.deepEqual(analyseFlow(program(moveRegister(6, 1), callFunction(), move(0, 1), exit())).contextPassed, [1]);
  t.deepEqual(analyseFlow(program(helper(46), move(0, 1), exit())).contextPassed, []);
});

test("any bytes are analysed to an end", (t) => {
  const opcode = fc.constantFrom(0x05, 0x06, 0x15, 0x1d, 0x18, 0x85, 0x95, 0xb7, 0xbf, 0x61, 0x63, 0x7b, 0x79, 0x0f);
  const instruction = fc
    .tuple(opcode, fc.nat(15), fc.nat(15), fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 }))
    .map((fields) => insn(...fields));
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 60 }), (instructions) => {
      t.notThrows(() => analyseFlow(program(...instructions)));
    }),
  );
});
