// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { goroutineOffsets, type RuntimeCode, witnesses } from "../../../src/go/goroutine-offsets.js";

/** Functions of the runtime as each version of Go compiled them for a program of net/http, base64. */
const code = JSON.parse(readFileSync(new URL("runtime-code.json", import.meta.url), "utf8")) as Record<
  string,
  Record<keyof RuntimeCode, string>
>;

/** As the DWARF of the same programs says it (`readelf --debug-dump=info`, struct runtime.g). */
const truth = {
  "1.17.13": { goid: 152, parentGoid: undefined },
  "1.18.10": { goid: 152, parentGoid: undefined },
  "1.19.13": { goid: 152, parentGoid: undefined },
  "1.20.14": { goid: 152, parentGoid: undefined },
  "1.21.13": { goid: 152, parentGoid: 272 },
  "1.22.12": { goid: 152, parentGoid: 272 },
  "1.23.8": { goid: 160, parentGoid: 280 },
  "1.24.6": { goid: 160, parentGoid: 280 },
  "1.25.3": { goid: 152, parentGoid: 272 },
  "1.26.8": { goid: 152, parentGoid: 280 },
} as const;

function codeOf(version: string): RuntimeCode {
  const bytes = (name: keyof RuntimeCode) => Buffer.from(code[version]![name], "base64");
  return {
    newproc1: bytes("newproc1"),
    printcreatedby: bytes("printcreatedby"),
    goroutineheader: bytes("goroutineheader"),
  };
}

for (const [version, offsets] of Object.entries(truth)) {
  test(`in code of Go ${version} the ids of a goroutine are found where its DWARF says`, (t) => {
    t.deepEqual(goroutineOffsets(codeOf(version)), offsets);
  });
}

test("functions of different versions that disagree say nothing", (t) => {
  t.is(goroutineOffsets({ ...codeOf("1.24.6"), printcreatedby: codeOf("1.26.8").printcreatedby }), undefined);
  t.is(goroutineOffsets({ ...codeOf("1.24.6"), goroutineheader: codeOf("1.26.8").goroutineheader }), undefined);
});

test("without one of the functions nothing is said", (t) => {
  for (const name of witnesses) t.is(goroutineOffsets({ ...codeOf("1.26.8"), [name]: Buffer.alloc(0) }), undefined);
});

test("a second offset that fits as well makes both uncertain", (t) => {
  const { newproc1, printcreatedby, goroutineheader } = codeOf("1.26.8");
  const also = (bytes: Uint8Array, ...more: number[]) => Buffer.concat([bytes, Buffer.from(more), Buffer.alloc(8)]);
  const ambiguous = {
    newproc1: also(newproc1, 0x48, 0x89, 0x88, 0xc0, 0, 0, 0), // mov [rax+0xc0], rcx
    printcreatedby: also(printcreatedby, 0x48, 0x83, 0xb8, 0xc0, 0, 0, 0, 1), // cmp qword [rax+0xc0], 1
    goroutineheader: also(goroutineheader, 0x48, 0x8b, 0x88, 0xc0, 0, 0, 0), // mov rcx, [rax+0xc0]
  };
  t.is(goroutineOffsets(ambiguous), undefined);
});

test("damaged code never leads elsewhere: it says what was true, or nothing", (t) => {
  const whole = codeOf("1.26.8");
  const { goid } = truth["1.26.8"];
  const damage = fc.array(fc.tuple(fc.constantFrom(...witnesses), fc.nat(), fc.nat(255)), { maxLength: 20 });
  fc.assert(
    fc.property(damage, (changes) => {
      const copy = {
        newproc1: Buffer.from(whole.newproc1),
        printcreatedby: Buffer.from(whole.printcreatedby),
        goroutineheader: Buffer.from(whole.goroutineheader),
      };
      for (const [name, at, value] of changes) copy[name][at % copy[name].length] = value;
      t.true([goid, undefined].includes(goroutineOffsets(copy)?.goid as typeof goid | undefined));
    }),
  );
});
