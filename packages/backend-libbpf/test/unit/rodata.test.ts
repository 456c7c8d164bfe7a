// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import type { SkepError } from "@skep/core";
import { writeConstants } from "../../src/rodata.js";

const variables = [
  { name: "flag", offset: 0, size: 1 },
  { name: "port", offset: 2, size: 2 },
  { name: "pid", offset: 4, size: 4 },
  { name: "cookie", offset: 8, size: 8 },
  { name: "table", offset: 16, size: 16 },
];

test("constants are written little-endian at their own width, and nothing else is touched", (t) => {
  const section = new Uint8Array(32).fill(0xee);
  const written = writeConstants(section, variables, {
    flag: true,
    port: 0x1234,
    cookie: 0x0102030405060708n,
    other: 1,
  });
  t.deepEqual(written, ["flag", "port", "cookie"]);
  t.is(Buffer.from(section).toString("hex"), `01ee3412${"ee".repeat(4)}0807060504030201${"ee".repeat(16)}`);
});

test("any integer that fits signed or unsigned comes back, any other is refused", (t) => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 66n), 2n ** 66n), fc.constantFrom(1, 2, 4, 8), (value, size) => {
      const bits = BigInt(size * 8);
      const fits = value >= -(2n ** (bits - 1n)) && value < 2n ** bits;
      const section = new Uint8Array(8);
      const write = () => writeConstants(section, [{ name: "x", offset: 0, size }], { x: value });
      if (!fits) return void t.throws(write, { message: /does not fit/ });
      write();
      t.is(new DataView(section.buffer).getBigUint64(0, true), BigInt.asUintN(Number(bits), value));
    }),
  );
});

test("fractions and arrays are refused by name", (t) => {
  const section = new Uint8Array(32);
  t.throws(() => writeConstants(section, variables, { pid: 1.5 }), { message: /constant pid is an integer, not 1.5/ });
  const error = t.throws<SkepError>(() => writeConstants(section, variables, { table: 1 }));
  t.is(error?.code, "SKEP_ERR_OBJECT");
});
