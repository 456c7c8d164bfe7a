// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { SkepError } from "@skep/core";
import { parseDuration } from "../../src/duration.js";

test("units add up and a bare number is seconds", (t) => {
  t.is(parseDuration("--duration", "30s"), 30_000);
  t.is(parseDuration("--duration", "1m30s"), 90_000);
  t.is(parseDuration("--duration", "500ms"), 500);
  t.is(parseDuration("--duration", "1.5h"), 5_400_000);
  t.is(parseDuration("--duration", "2"), 2000);
});

for (const text of ["", "s", "30x", "-1s", "0s", "30s later", "1 m", "1m30"]) {
  test(`${JSON.stringify(text)} is refused by the name of its option`, (t) => {
    const error = t.throws(() => parseDuration("--duration", text), { instanceOf: SkepError });
    t.is(error.code, "SKEP_ERR_CONFIG");
    t.regex(error.message, /^--duration/);
  });
}

test("no text makes it throw anything else or return a duration that is not positive", (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        return parseDuration("--duration", text) > 0;
      } catch (error) {
        return error instanceof SkepError;
      }
    }),
  );
  t.pass();
});
