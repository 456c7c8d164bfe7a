// SPDX-License-Identifier: MIT
// Google's compiler, with a schema written from the facts about the reference, reads what we send.

import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Point } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import { encodePoints } from "../../../src/index.js";
import { parseText, type TextMessage } from "./text-format.js";

const isThere = spawnSync("protoc", ["--version"]).status === 0;
const run = isThere ? test : test.skip;
const what = isThere ? "" : " (skipped: protoc is missing, install protobuf-compiler)";

const folder = fileURLToPath(new URL(".", import.meta.url));
const decode = (body: Uint8Array): TextMessage =>
  parseText(
    execFileSync("protoc", ["--decode=reference.PBPoints", `--proto_path=${folder}`, "point-of-the-reference.proto"], {
      input: body,
      encoding: "utf8",
    }),
  );

const one = (message: TextMessage, name: string): string => (message.get(name)?.[0] ?? "") as string;

/** A field of the wire as the point had it; members with proto3's default are not on the wire. */
function valueOf(field: TextMessage): string | bigint | number | boolean {
  if (field.has("i")) return BigInt(one(field, "i"));
  if (field.has("f")) return Number(one(field, "f"));
  if (field.has("b")) return one(field, "b") === "true";
  return one(field, "s");
}

function pointsOf(body: Uint8Array): unknown[] {
  return (decode(body).get("arr") ?? []).map((entry) => {
    const point = entry as TextMessage;
    const fields = (point.get("fields") ?? []) as TextMessage[];
    const some = (isTag: boolean) =>
      Object.fromEntries(
        fields
          .filter((field) => (one(field, "is_tag") === "true") === isTag)
          .map((field) => [one(field, "key"), valueOf(field)]),
      );
    return { name: one(point, "name"), time: BigInt(one(point, "time") || 0), tags: some(true), fields: some(false) };
  });
}

const word = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,15}$/);
const value = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
);
const point: fc.Arbitrary<Point> = fc.record({
  measurement: word,
  category: fc.constant("network" as const),
  time: fc.bigInt({ min: 1n, max: 2n ** 62n }),
  tags: fc.dictionary(
    word.map((name) => `t_${name}`),
    fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n\\]/.test(text)),
    { noNullPrototype: true },
  ),
  fields: fc.dictionary(
    word.map((name) => `f_${name}`),
    value,
    { noNullPrototype: true },
  ),
});

run(`protoc reads any points as they were, by the reference's schema${what}`, (t) => {
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 20 }), (points) => {
      const expected = points.map(({ measurement, time, tags, fields }) => ({ name: measurement, time, tags, fields }));
      t.deepEqual(pointsOf(encodePoints(points)), expected);
    }),
    { numRuns: 25 },
  );
});
