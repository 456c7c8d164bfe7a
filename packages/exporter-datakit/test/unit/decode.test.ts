// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import protobuf from "protobufjs";
import { decodePoints, encodePoints, splitPoints } from "../../src/index.js";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string().filter((value) => !/[.\r\n\\]/.test(value));
const value = fc.oneof(
  fc.maxSafeInteger(),
  int64.filter((number) => !Number.isSafeInteger(Number(number))),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
);
const points: fc.Arbitrary<Point> = fc.record({
  measurement: fc.string(),
  category: fc.constant("tracing" as const),
  time: int64,
  tags: fc.dictionary(
    text.map((name) => `t${name}`),
    text,
    { noNullPrototype: true },
  ),
  fields: fc.dictionary(
    text.map((name) => `f${name}`),
    value,
    { noNullPrototype: true },
  ),
});

test("what is encoded is decoded to the same points", (t) => {
  fc.assert(
    fc.property(fc.array(points, { maxLength: 5 }), (given) => {
      t.deepEqual(decodePoints(encodePoints(given), "tracing"), given);
    }),
    { numRuns: 300 },
  );
});

test("a message is split into messages of one point each", (t) => {
  fc.assert(
    fc.property(fc.array(points, { maxLength: 5 }), (given) => {
      const parts = splitPoints(encodePoints(given));
      t.deepEqual(
        parts.map((part) => decodePoints(part, "tracing")),
        given.map((point) => [point]),
      );
    }),
  );
});

test("bytes that are no message are an error, never points", (t) => {
  t.throws(() => decodePoints(Buffer.from("not protobuf"), "tracing"));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodePoints(bytes, "tracing");
      } catch (error) {
        t.true(error instanceof Error);
      }
    }),
  );
});

test("an unsigned field keeps its bits, and a field of an unknown kind is left out", (t) => {
  const writer = protobuf.Writer.create();
  writer.uint32(10).fork().uint32(10).string("m"); // arr { name
  writer.uint32(18).fork().uint32(10).string("big").uint32(24).uint64("18446744073709551615").ldelim();
  writer.uint32(18).fork().uint32(10).string("small").uint32(24).uint64(254).ldelim();
  writer.uint32(18).fork().uint32(10).string("bytes").uint32(50).bytes(Buffer.from("x")).ldelim();
  const [point] = decodePoints(writer.ldelim().finish(), "tracing");
  t.deepEqual(point!.fields, { big: -1, small: 254 });
});
