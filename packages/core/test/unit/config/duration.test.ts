// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { parseDuration } from "../../../src/config/duration.js";

for (const [text, ms] of [
  ["10s", 10_000],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["1.5h", 5_400_000],
  ["60", 60_000],
  [45, 45_000],
  [" 2m ", 120_000],
  ["1500us", 1.5],
  ["1s5µs", 1000.005],
] as const) {
  test(`${JSON.stringify(text)} is ${ms} ms`, (t) => t.is(parseDuration(text), ms));
}

for (const text of ["", "s", "10 s", "10d", "-5s", "1h-2m", "ten", "1e3s", "1..5s"]) {
  test(`${JSON.stringify(text)} is no duration`, (t) => t.is(parseDuration(text), undefined));
}

test("hours, minutes, seconds and milliseconds add up", (t) => {
  fc.assert(
    fc.property(fc.nat(99), fc.nat(999), fc.nat(999), fc.nat(9999), (h, m, s, ms) => {
      t.is(parseDuration(`${h}h${m}m${s}s${ms}ms`), ((h * 60 + m) * 60 + s) * 1000 + ms);
    }),
  );
});
