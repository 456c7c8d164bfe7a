// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { parseSize } from "../../../src/config/size.js";

for (const [text, bytes] of [
  ["1024", 1024],
  [512, 512],
  ["100K", 100_000],
  ["100kb", 100_000],
  ["4GB", 4_000_000_000],
  ["1.5GiB", 1.5 * 2 ** 30],
  ["100 MB/s", 100_000_000],
  ["0", 0],
] as const) {
  test(`${JSON.stringify(text)} is ${bytes} bytes`, (t) => t.is(parseSize(text), bytes));
}

for (const text of ["", "MB", "-1K", "1TB", "1K/h", "1e3", "1 2"]) {
  test(`${JSON.stringify(text)} is no size`, (t) => t.is(parseSize(text), undefined));
}

test("no text makes it throw", (t) => {
  fc.assert(fc.property(fc.string(), (text) => parseSize(text) === undefined || parseSize(text)! >= 0));
  t.pass();
});
