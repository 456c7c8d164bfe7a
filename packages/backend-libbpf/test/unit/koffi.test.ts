// SPDX-License-Identifier: MIT

import test from "ava";
import { readdirSync, readFileSync } from "node:fs";

test("only ffi.ts and poll.ts know koffi", (t) => {
  const sources = new URL("../../src/", import.meta.url);
  const names = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const importing = names.filter((name) => /["']koffi/.test(readFileSync(new URL(name, sources), "utf8")));
  t.deepEqual(importing.sort(), ["ffi.ts", "poll.ts"]);
});
