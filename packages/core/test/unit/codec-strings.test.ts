// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { Cursor, internString } from "@skep/core";

function cursorOf(bytes: Uint8Array, at = 0): Cursor {
  const cursor = new Cursor(Uint8Array.from(bytes).buffer);
  cursor.at = at;
  return cursor;
}

function expected(bytes: Uint8Array, at: number, size: number): string {
  const member = Buffer.from(bytes).subarray(at, at + size);
  const end = member.indexOf(0);
  return member.toString("utf8", 0, end < 0 ? size : end);
}

test("a member reads as the bytes before its first NUL, whatever was read before", (t) => {
  // Few different bytes, so that strings repeat, share beginnings and end at every place in a word.
  const byte = fc.oneof(fc.constantFrom(0, 0x01, 0x61, 0x80, 0xff), fc.nat(255));
  const records = fc.array(fc.array(byte, { minLength: 160, maxLength: 160 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(records, fc.nat(80), fc.nat(76), (all, offset, size) => {
      for (const record of all) {
        const bytes = Uint8Array.from(record);
        for (const at of [0, 4])
          t.is(internString(cursorOf(bytes, at), offset, size), expected(bytes, at + offset, size));
      }
    }),
    { numRuns: 500 },
  );
});

test("garbage behind the NUL does not make another string of it", (t) => {
  const clean = Buffer.from("bash\0\0\0\0\0\0\0\0\0\0\0\0");
  const dirty = Buffer.from("bash\0sh-session!");
  t.is(internString(cursorOf(clean), 0, 16), "bash");
  t.is(internString(cursorOf(dirty), 0, 16), "bash");
});

test("a string that fills its member needs no NUL", (t) => {
  t.is(internString(cursorOf(Buffer.from("kworker/u8:12-ev")), 0, 16), "kworker/u8:12-ev");
});

test("more strings than the cache has slots stay right", (t) => {
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 10_000; number++) {
      const name = `worker-${number}`.padEnd(16, "\0");
      if (internString(cursorOf(Buffer.from(name)), 0, 16) !== `worker-${number}`) return t.fail(name);
    }
  }
  t.pass();
});
