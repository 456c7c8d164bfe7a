// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { SkepError, readElfSections, readElfSymbols } from "@skep/core";
import { buildElf } from "./builders.js";

const sample = buildElf([
  { name: ".text", bytes: Buffer.from("program") },
  { name: ".bss", type: 8, bytes: new Uint8Array(0) },
  { name: ".symtab", type: 2, link: 4, bytes: symbol({ name: 1, section: 1, offset: 3, size: 4 }) },
  { name: ".strtab", type: 3, bytes: Buffer.from("\0main\0") },
]);

function symbol(of: { name: number; section: number; offset: number; size: number }): Uint8Array {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(of.name, 0);
  bytes.writeUInt16LE(of.section, 6);
  bytes.writeBigUInt64LE(BigInt(of.offset), 8);
  bytes.writeBigUInt64LE(BigInt(of.size), 16);
  return bytes;
}

test("sections are found by name and share memory with the file", (t) => {
  const text = readElfSections(sample).get(".text");
  t.is(Buffer.from(text ?? []).toString(), "program");
  t.is(text?.buffer, sample.buffer);
});

test("a section without bytes in the file is empty however large it claims to be", (t) => {
  const file = Uint8Array.from(sample);
  new DataView(file.buffer).setUint32(64 + 2 * 64 + 32, 1 << 30, true);
  t.is(readElfSections(file).get(".bss")?.length, 0);
});

test("symbols name their section, offset and size", (t) => {
  t.deepEqual(readElfSymbols(sample), [{ name: "main", section: ".text", offset: 3, size: 4 }]);
});

test("a 32-bit or big-endian ELF is refused", (t) => {
  for (const at of [4, 5]) {
    const file = Uint8Array.from(sample);
    file[at] = file[at] === 1 ? 2 : 1;
    t.like(
      t.throws(() => readElfSections(file), { instanceOf: SkepError }),
      { code: "SKEP_ERR_OBJECT" },
    );
  }
});

test("a section that lies outside the file is refused", (t) => {
  const file = Uint8Array.from(sample);
  new DataView(file.buffer).setUint32(64 + 64 + 28, 0xffffffff, true);
  t.throws(() => readElfSections(file), { instanceOf: SkepError, message: /lie outside/ });
});

test("no bytes make the reader hang or throw anything but SKEP_ERR_OBJECT", (t) => {
  const damage = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  const damaged = damage.map((changes) => {
    const file = Uint8Array.from(sample);
    for (const [at, value] of changes) file[at] = value;
    return file;
  });
  const cut = fc.nat(sample.length).map((length) => sample.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(damaged, cut, fc.uint8Array({ maxLength: 300 })), (file) => {
      for (const read of [readElfSections, readElfSymbols]) {
        try {
          read(file);
        } catch (error) {
          if (!(error instanceof SkepError) || error.code !== "SKEP_ERR_OBJECT") throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
