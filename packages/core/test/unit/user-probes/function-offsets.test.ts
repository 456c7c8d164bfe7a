// SPDX-License-Identifier: MIT

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { functionOffsets, SkepError } from "../../../src/index.js";
import { OffsetCache } from "../../../src/user-probes/offset-cache.js";
import { elfFile, segment } from "../support/elf-file.js";

function write(t: ExecutionContext, bytes: Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), "skep-elf-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "file");
  writeFileSync(path, bytes);
  return path;
}

const address = (offset: bigint) => segment.address + offset - segment.offset;

test("a function is found where the file has it, in either symbol table", (t) => {
  const dynsym = [
    { name: "SSL_read", address: address(0x500n) },
    { name: "SSL_write", address: address(0x700n) },
  ];
  const symtab = [
    { name: "hidden", address: address(0x900n) },
    { name: "SSL_read", address: address(0xfffn) },
  ];
  const found = functionOffsets(write(t, elfFile(dynsym, symtab)), ["SSL_read", "hidden", "absent"]);
  t.deepEqual([...found].sort(), [
    ["SSL_read", 0x500n],
    ["hidden", 0x900n],
  ]);
});

test("a function the file only uses, a variable and an address outside the file are none", (t) => {
  const path = write(
    t,
    elfFile([
      { name: "imported", address: 0n, section: 0 },
      { name: "variable", address: address(0x300n), type: 1 },
      { name: "outside", address: 0x10n },
    ]),
  );
  t.deepEqual([...functionOffsets(path, ["imported", "variable", "outside"])], []);
});

test("a name that is the tail of another is not taken for it", (t) => {
  const path = write(t, elfFile([{ name: "my_readline", address: address(0x300n) }]));
  t.deepEqual([...functionOffsets(path, ["readline", "my_readline"])], [["my_readline", 0x300n]]);
});

test("whatever functions a file has, each name is found at its own offset", (t) => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,8}$/), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(names, names, (inFile, others) => {
      const symbols = inFile.map((name, index) => ({ name, address: address(0x200n + BigInt(index) * 16n) }));
      const path = write(t, elfFile(symbols));
      const wanted = new Set([...inFile, ...others]);
      const expected = inFile.map((name, index): [string, bigint] => [name, 0x200n + BigInt(index) * 16n]);
      t.deepEqual(functionOffsets(path, wanted), new Map(expected));
    }),
    { numRuns: 30 },
  );
});

test("a file that is no ELF, is cut short or was damaged is refused by name or gives nothing, and never crashes", (t) => {
  const whole = elfFile([{ name: "readline", address: address(0x500n) }]);
  t.throws(() => functionOffsets(write(t, Buffer.from("#!/bin/sh\n")), ["x"]), { code: "SKEP_ERR_OBJECT" });
  t.throws(() => functionOffsets(write(t, Buffer.alloc(200)), ["x"]), { message: /only 64-bit little-endian ELF/ });
  t.throws(() => functionOffsets(write(t, whole.subarray(0, -10)), ["readline"]), { code: "SKEP_ERR_OBJECT" });
  fc.assert(
    fc.property(fc.nat(200), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
      const damaged = whole.slice(0, length);
      damaged[at % Math.max(1, length)] = byte;
      try {
        functionOffsets(write(t, damaged), ["readline"]);
      } catch (error) {
        if (!(error instanceof SkepError)) throw error;
      }
    }),
    { numRuns: 60 },
  );
});

test("a sparse file that claims an enormous symbol table is refused before memory is taken for it", (t) => {
  const bytes = elfFile([{ name: "readline", address: address(0x500n) }]);
  const sections = Number(Buffer.from(bytes).readBigUInt64LE(0x28));
  Buffer.from(bytes.buffer, bytes.byteOffset).writeBigUInt64LE(2n ** 33n, sections + 64 + 32);
  const path = write(t, bytes);
  truncateSync(path, 2 ** 34);
  t.throws(() => functionOffsets(path, ["readline"]), { message: /a table of 8589934592 bytes is too large/ });
});

test("a file is read again when another has taken its place, and not before", (t) => {
  const cache = new OffsetCache();
  const path = write(t, elfFile([{ name: "readline", address: address(0x500n) }]));
  t.is(cache.of(path, ["readline", "absent"]).get("readline"), 0x500n);
  t.is(cache.of(path, ["absent"]).get("absent"), undefined);
  writeFileSync(
    path,
    elfFile([
      { name: "readline", address: address(0x800n) },
      { name: "more", address: 1n },
    ]),
  );
  t.is(cache.of(path, ["readline"]).get("readline"), 0x800n);
});
