// SPDX-License-Identifier: MIT
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { ElfFile } from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "skep-elf-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const write = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** Exactly one segment, no sections: the smallest file that is one. */
function oneSegment(): Buffer {
  const file = Buffer.alloc(256);
  file.write("\x7fELF\x02\x01\x01", "latin1");
  file.writeUInt16LE(62, 0x12);
  file.writeUInt32LE(64, 0x20);
  file.writeUInt16LE(1, 0x38);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(0x80, 64 + 8);
  file.writeUInt32LE(0x400000, 64 + 16);
  file.writeUInt32LE(0x40, 64 + 32);
  return file;
}

test("an address is where its segment lies in the file", (t) => {
  const elf = new ElfFile(write("segment", oneSegment()));
  t.is(elf.machine, "x64");
  t.is(elf.offsetOf(0x400010), 0x90);
  t.throws(() => elf.offsetOf(0x400040), { instanceOf: RangeError, message: /0x400040/ });
  t.is(elf.bytesAt(0x400000, 1000).length, 128, "what the file still has");
  elf.close();
});

test("the functions of this very program are where its own symbols say", (t) => {
  const elf = new ElfFile(process.execPath);
  const symbols = execFileSync("readelf", ["--dyn-syms", "-W", process.execPath], { maxBuffer: 2 ** 28 }).toString();
  const line = symbols.split("\n").find((entry) => /\buv_run\b/.test(entry));
  const found = elf.functions(["uv_run", "no_such_function"]);
  t.is(found.size, line === undefined ? 0 : 1);
  if (line !== undefined) t.is(found.get("uv_run")!.address, parseInt(line.trim().split(/\s+/)[1]!, 16));
  elf.close();
});

test("a file that is none is refused", (t) => {
  t.throws(() => new ElfFile(write("text", Buffer.from("#!/bin/sh\n"))), { instanceOf: RangeError });
  const other = oneSegment();
  other.writeUInt16LE(8, 0x12);
  t.throws(() => new ElfFile(write("mips", other)), { instanceOf: RangeError, message: /x86-64 or arm64/ });
});

test("damage is a RangeError and nothing else", (t) => {
  const whole = readFileSync(process.execPath).subarray(0, 4096);
  const damage = fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        new ElfFile(write("damaged", bytes)).close();
      } catch (error) {
        t.true(error instanceof RangeError, String(error));
      }
    }),
    { numRuns: 50 },
  );
});
