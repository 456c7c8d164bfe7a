// SPDX-License-Identifier: MIT

import { existsSync, readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { SkepError, parseBtf, readObjectBtf, type Btf } from "@skep/core";
import { BtfBuilder, buildElf } from "./builders.js";

/** struct flow { u64 bytes; const volatile port_t port; u8 pad[6]; struct { u32 a; }; union { u32 b; u16 c; }; struct inner in; } */
function flowBtf(): BtfBuilder {
  const btf = new BtfBuilder();
  const u64 = btf.int("unsigned long long", 8);
  const u32 = btf.int("unsigned int", 4);
  const u16 = btf.int("unsigned short", 2);
  const u8 = btf.int("unsigned char", 1);
  const port = btf.modifier("const", btf.modifier("volatile", btf.modifier("typedef", u16, "port_t")));
  const anonymousStruct = btf.composite("struct", "", 4, [["a", u32, 0]]);
  const anonymousUnion = btf.composite("union", "", 4, [
    ["b", u32, 0],
    ["c", u16, 0],
  ]);
  const inner = btf.composite("struct", "inner", 8, [
    ["x", u32, 0],
    ["y", u16, 32],
  ]);
  btf.composite("struct", "flow", 32, [
    ["bytes", u64, 0],
    ["port", port, 64],
    ["pad", btf.array(u8, 6), 80],
    ["", anonymousStruct, 128],
    ["", anonymousUnion, 160],
    ["in", inner, 192],
  ]);
  return btf;
}

test("a layout flattens anonymous members and names those of inner structs with a dot", (t) => {
  t.deepEqual(parseBtf(flowBtf().build()).struct("flow"), {
    struct: "flow",
    size: 32,
    fields: [
      { name: "bytes", offset: 0, size: 8 },
      { name: "port", offset: 8, size: 2 },
      { name: "pad", offset: 10, size: 6 },
      { name: "a", offset: 16, size: 4 },
      { name: "b", offset: 20, size: 4 },
      { name: "c", offset: 20, size: 2 },
      { name: "in.x", offset: 24, size: 4 },
      { name: "in.y", offset: 28, size: 2 },
    ],
  });
});

test("a member's type is seen through typedef, const and volatile", (t) => {
  const port = parseBtf(flowBtf().build())
    .members("flow")
    ?.find((member) => member.name === "port");
  t.like(port?.type, { kind: "int", name: "unsigned short", size: 2, signed: false });
});

test("an unknown struct has no layout", (t) => {
  t.is(parseBtf(flowBtf().build()).struct("flows"), undefined);
});

test("a bitfield is marked and takes the bytes it touches", (t) => {
  const btf = new BtfBuilder();
  const u32 = btf.int("unsigned int", 4);
  btf.composite("struct", "flags", 4, [
    ["low", u32, 0, 3],
    ["across", u32, 6, 4],
  ]);
  t.deepEqual(
    parseBtf(btf.build())
      .members("flags")
      ?.map(({ name, offset, size, bitfield }) => [name, offset, size, bitfield]),
    [
      ["low", 0, 1, true],
      ["across", 0, 2, true],
    ],
  );
});

test("bytes after the described sections and a longer header are tolerated", (t) => {
  const plain = flowBtf().build();
  const longer = Buffer.concat([plain.subarray(0, 24), Buffer.alloc(8), plain.subarray(24), Buffer.alloc(5)]);
  longer.writeUInt32LE(32, 4);
  t.deepEqual(parseBtf(longer).struct("flow"), parseBtf(plain).struct("flow"));
});

test("globals of an object take their offsets from its symbol table", (t) => {
  const btf = new BtfBuilder();
  const u32 = btf.int("unsigned int", 4);
  const variables = ["first", "second"].map((name) => [btf.variable(name, u32), 0, 4] as const);
  btf.dataSection(".rodata", variables);
  const symbols = Buffer.alloc(48);
  [1, 7].forEach((name, index) => {
    symbols.writeUInt32LE(name, index * 24);
    symbols.writeUInt16LE(2, index * 24 + 6);
    symbols.writeUInt32LE(index * 4, index * 24 + 8);
  });
  const object = buildElf([
    { name: ".BTF", bytes: btf.build() },
    { name: ".rodata", bytes: Buffer.alloc(8) },
    { name: ".symtab", type: 2, link: 4, bytes: symbols },
    { name: ".strtab", type: 3, bytes: Buffer.from("\0first\0second\0") },
  ]);
  t.deepEqual(readObjectBtf(object).dataSection(".rodata"), [
    { name: "first", offset: 0, size: 4 },
    { name: "second", offset: 4, size: 4 },
  ]);
  t.is(readObjectBtf(object).dataSection(".data"), undefined);
});

test("an object without BTF is refused with the compiler flag that was missing", (t) => {
  t.throws(() => readObjectBtf(buildElf([])), { instanceOf: SkepError, message: /-g/ });
});

test("a typedef of itself is refused instead of followed for ever", (t) => {
  const btf = new BtfBuilder();
  btf.modifier("typedef", 1, "ouroboros");
  btf.composite("struct", "trap", 4, [["member", 1, 0]]);
  t.throws(() => parseBtf(btf.build()).struct("trap"), { instanceOf: SkepError, message: /chain/ });
});

test("a struct that contains itself is refused", (t) => {
  const btf = new BtfBuilder();
  btf.composite("struct", "trap", 4, [["", 1, 0]]);
  t.throws(() => parseBtf(btf.build()).struct("trap"), { instanceOf: SkepError, message: /deeper/ });
});

test("a struct whose members double at each level is refused in time", (t) => {
  const btf = new BtfBuilder();
  let inner = btf.composite("struct", "leaf", 0, []);
  for (let level = 0; level < 60; level++) {
    const name = level === 59 ? "bomb" : "level";
    inner = btf.composite("struct", name, 0, [
      ["left", inner, 0],
      ["right", inner, 0],
    ]);
  }
  t.throws(() => parseBtf(btf.build()).struct("bomb"), { instanceOf: SkepError, message: /more than/ });
});

test("an unknown kind is refused by its number", (t) => {
  const btf = new BtfBuilder();
  btf.add("new", 27, 0, 0, []);
  t.throws(() => parseBtf(btf.build()), { instanceOf: SkepError, message: /kind 27/ });
});

test("the kernel's own BTF reads the way C lays the struct out", (t) => {
  const path = "/sys/kernel/btf/vmlinux";
  if (!existsSync(path)) {
    t.log(`skipped: no ${path}`);
    t.pass();
    return;
  }
  const layout = parseBtf(readFileSync(path)).struct("iphdr");
  t.is(layout?.size, 20);
  const daddr = layout?.fields.find((field) => field.name === "daddr");
  t.deepEqual(daddr, { name: "daddr", offset: 16, size: 4 });
});

test("no bytes make the reader hang or throw anything but SKEP_ERR_OBJECT", (t) => {
  const sample = flowBtf().build();
  const damaged = fc
    .array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    .map((changes) => {
      const bytes = Uint8Array.from(sample);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const cut = fc.nat(sample.length).map((length) => sample.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(damaged, cut, fc.uint8Array({ maxLength: 200 })), (section) => {
      try {
        useAll(parseBtf(section));
      } catch (error) {
        if (!(error instanceof SkepError) || error.code !== "SKEP_ERR_OBJECT") throw error;
      }
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

function useAll(btf: Btf): void {
  btf.struct("flow");
  btf.struct("inner");
  for (let id = 0; id < btf.typeCount; id++) {
    btf.type(id);
    btf.sizeOf(btf.resolve(id));
  }
}
