// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import { encodePoints } from "../../src/index.js";
import { fieldKey, tagValue } from "../../src/sanitise.js";
import { decodePoints, protoc } from "../support/decode.js";

const key = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[.\r\n\\]/.test(text));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const value = fc.oneof(
  fc.maxSafeInteger(),
  int64,
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
);
const points: fc.Arbitrary<Point> = fc.record({
  measurement: fc.string(),
  category: fc.constant("network" as const),
  time: int64,
  tags: fc.dictionary(
    key.map((name) => `t${name}`),
    fc.string().filter((text) => !/[\r\n\\]/.test(text)),
    { noNullPrototype: true },
  ),
  fields: fc.dictionary(
    key.map((name) => `f${name}`),
    value,
    { noNullPrototype: true },
  ),
});

test("every point is read back as it was", (t) => {
  fc.assert(
    fc.property(fc.array(points, { maxLength: 5 }), (given) => {
      const expected = given.map(({ measurement, time, tags, fields }) => ({
        name: measurement,
        time,
        tags,
        fields: Object.fromEntries(
          Object.entries(fields).map(([name, field]) => [
            name,
            typeof field === "number" && Number.isInteger(field) ? BigInt(field) : field,
          ]),
        ),
      }));
      t.deepEqual(decodePoints(encodePoints(given)), expected);
    }),
    { numRuns: 300 },
  );
});

test("a float that happens to be whole stays a float where its measurement declares one", (t) => {
  const point: Point = { measurement: "m", category: "network", time: 1n, tags: {}, fields: { ratio: 2, count: 2 } };
  const decoded = decodePoints(encodePoints([point], (_measurement, field) => field === "ratio"));
  t.deepEqual(decoded[0]!.fields, { ratio: 2, count: 2n });
});

test("numbers that are none are left out", (t) => {
  const fields = { nan: NaN, inf: Infinity, one: 1 };
  const decoded = decodePoints(encodePoints([{ measurement: "m", category: "network", time: 1n, tags: {}, fields }]));
  t.deepEqual(decoded[0]!.fields, { one: 1n });
});

test("a key that is tag and field stands once, as the tag", (t) => {
  const decoded = decodePoints(
    encodePoints([{ measurement: "m", category: "network", time: 1n, tags: { host: "a" }, fields: { host: "b" } }]),
  );
  t.deepEqual([decoded[0]!.tags, decoded[0]!.fields], [{ host: "a" }, {}]);
});

test("keys and tag values are what a server stores", (t) => {
  t.is(fieldKey("http.status\ncode\\"), "http_status code");
  t.is(tagValue("a.b\r\nc\\\\"), "a.b c");
  t.is(Buffer.byteLength(tagValue("é".repeat(1000))), 1024);
  t.is(fieldKey("€".repeat(100)), "€".repeat(85), "no character is cut in two");
});

const read = protoc(encodePoints([]));
(read === undefined ? test.skip : test)(
  `protoc reads the same${read === undefined ? " (skipped: protoc is not installed)" : ""}`,
  (t) => {
    const text = protoc(
      encodePoints([
        {
          measurement: "netflow",
          category: "network",
          time: -5n,
          tags: { host: "h" },
          fields: { count: 2n ** 53n + 1n, ratio: 0.25, ok: false, text: "x" },
        },
      ]),
    )!;
    for (const part of [
      'name: "netflow"',
      "time: -5",
      "i: 9007199254740993",
      "f: 0.25",
      "b: false",
      's: "x"',
      "is_tag: true",
    ]) {
      t.true(text.includes(part), `${part} in ${text}`);
    }
  },
);
