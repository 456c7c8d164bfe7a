// SPDX-License-Identifier: MIT

import { lineProtocol, type Point } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import { parseLineProtocol } from "../../src/index.js";

const name = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((text) => /^[^\r\n\\\s#][^\r\n\\]*$/.test(text) && text === text.trim() && text !== "__proto__");
const value = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom('"', "\\", "\\\\", '\\"', "a\nb", "a,b c=d"),
);
const points: fc.Arbitrary<Point> = fc.record({
  measurement: name,
  category: fc.constant("tracing" as const),
  time: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  tags: fc.dictionary(name, name, { maxKeys: 4, noNullPrototype: true }),
  fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 6, noNullPrototype: true }),
});

test("what core writes is read as it was", (t) => {
  fc.assert(
    fc.property(fc.array(points, { maxLength: 4 }), (given) => {
      t.deepEqual(parseLineProtocol(given.map((point) => lineProtocol(point)).join(""), "tracing", 0n), given);
    }),
    { numRuns: 500 },
  );
});

test("any text is points or a syntax error with its line", (t) => {
  const text = fc.string({ unit: fc.constantFrom("m", ",", "=", " ", '"', "\\", "\n", "1", "i", "#", "t") });
  fc.assert(
    fc.property(text, (line) => {
      try {
        parseLineProtocol(line, "tracing", 0n);
      } catch (error) {
        t.true(error instanceof SyntaxError && error.message.startsWith("line "), String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("comments, empty lines, carriage returns, unsigned integers and missing times are understood", (t) => {
  const text = "# a comment\n\nm,a=b i=1i,u=18446744073709551615u,e=1e3,t=T\r\nm x=1 5\n";
  t.deepEqual(parseLineProtocol(text, "tracing", 7n), [
    { measurement: "m", category: "tracing", time: 7n, tags: { a: "b" }, fields: { i: 1, u: -1n, e: 1000, t: true } },
    { measurement: "m", category: "tracing", time: 5n, tags: {}, fields: { x: 1 } },
  ]);
});

test("no name of an object's own is taken for a key of a point", (t) => {
  const [point] = parseLineProtocol("m,__proto__=a __proto__=1,x=2 1", "tracing", 0n);
  t.deepEqual([point!.tags, point!.fields], [{}, { x: 2 }]);
  t.is(Object.getPrototypeOf(point!.fields), Object.prototype);
});

test("an error names the line", (t) => {
  t.throws(() => parseLineProtocol('m a="x\ny" 1\nm a=oops 1\n', "tracing", 0n), {
    message: "line 3: expected a value",
  });
});
