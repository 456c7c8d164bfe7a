// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { emulatedSite, LONGEST_WAY } from "../../src/index.js";

const site = (hex: string, argumentsUsed = 3) =>
  emulatedSite(Buffer.from(hex.replaceAll(" ", ""), "hex"), argumentsUsed);

test("a function that begins with a push is probed at its first byte", (t) => {
  t.is(site("55 4889e5"), 0);
  t.is(site("4157 4156"), 0);
});

test("instructions that leave arguments and stack alone are passed over", (t) => {
  t.is(site("f30f1efa 55"), 4, "endbr64");
  t.is(site("493b6610 7627"), 4, "Go asks whether its stack is large enough: cmp rsp, [r14+16]");
  t.is(site("4c8da42480feffff 4d3b6610 0f86"), 12, "lea r12, [rsp-0x180]; cmp r12, [r14+16]; jbe");
});

test("an instruction that changes an argument in use ends the search", (t) => {
  t.is(site("31f6 55", 2), undefined, "xor esi, esi");
  t.is(site("31f6 55", 1), 2, "of one argument the second is free");
});

test("the stack pointer must not move before the probe", (t) => t.is(site("4883ec18 55"), undefined));

test("what is no code, or cut off, has no place", (t) => {
  t.is(site(""), undefined);
  t.is(site("06 55"), undefined);
  t.is(site("48"), undefined);
});

test("a place is always within the code that was given", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(6), (code, argumentsUsed) => {
      const at = emulatedSite(code, argumentsUsed);
      t.true(at === undefined || (at < code.length && at < LONGEST_WAY));
    }),
  );
});
