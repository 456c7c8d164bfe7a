// SPDX-License-Identifier: MIT
import { Cursor } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import { encode } from "../../src/index.js";
import { beat, type Beat, generated } from "./support/toy.js";

const cursorOn = (bytes: Uint8Array): Cursor => {
  const cursor = new Cursor(Uint8Array.from(bytes).buffer);
  cursor.length = bytes.length;
  return cursor;
};

test("what encode writes, the codec reads", (t) => {
  const record = fc.record({
    count: fc.nat({ max: 2 ** 32 - 1 }),
    pid: fc.nat({ max: 2 ** 32 - 1 }),
    comm: fc.string({ unit: "grapheme-ascii", maxLength: 8 }).filter((text) => !text.includes("\0")),
    address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    offset: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
    flags: fc.nat(255),
    total: fc.maxSafeNat(),
    ports: fc.tuple(fc.nat(65535), fc.nat(65535)),
  });
  fc.assert(fc.property(record, (values: Beat) => t.deepEqual(beat.read(cursorOn(encode(beat, values))), values)));
});

test("fields may be named as in C or as in TypeScript, and what is left out is zero", (t) => {
  const nested = {
    layout: { struct: "nested", size: 8, fields: [{ name: "tuple.local_port", offset: 4, size: 2 }] },
    read: () => ({ tupleLocalPort: 0 }),
  };
  const expected = Uint8Array.of(0, 0, 0, 0, 0x90, 0x1f, 0, 0);
  t.deepEqual(encode(nested, { tupleLocalPort: 8080 }), expected);
  t.deepEqual(encode(nested, { "tuple.local_port": 8080 }), expected);
  t.deepEqual(encode(nested, { tupleLocalPort: undefined }), new Uint8Array(8));
});

test("64-bit identifiers keep every bit, booleans are 1 and 0", (t) => {
  const bytes = encode(beat, { total: 0xfedcba9876543210n, flags: true });
  t.is(new DataView(bytes.buffer).getBigUint64(24, true), 0xfedcba9876543210n);
  t.is(bytes[22], 1);
});

test("a value that does not fit its field is refused by name", (t) => {
  const refused = (message: RegExp) => ({ code: "SKEP_ERR_LAYOUT", message });
  t.throws(() => encode(beat, { count: 2 ** 32 }), refused(/field count: the number 4294967296/));
  t.throws(() => encode(beat, { offset: -40_000 }), refused(/field offset/));
  t.throws(() => encode(beat, { count: 1.5 }), refused(/field count/));
  t.throws(() => encode(beat, { comm: "nine long" }), refused(/9 bytes of text do not fit its 8 bytes/));
  t.throws(() => encode(beat, { address: Uint8Array.of(1) }), refused(/field address: 1 bytes/));
  t.throws(() => encode(beat, { ports: [1, 2, 3] }), refused(/field ports: 3 elements/));
  t.throws(() => encode(beat, { colour: 1 }), refused(/no field colour/));
});

test("the toy's codec reads what skep-bpf would generate for it", (t) => {
  const [, read = ""] = generated().split("  read(c: Cursor)");
  const names = [...read.matchAll(/^ {6}(\w+): /gm)].map(([, name]) => name);
  t.deepEqual(names, Object.keys(beat.read(cursorOn(new Uint8Array(beat.layout.size)))));
});
